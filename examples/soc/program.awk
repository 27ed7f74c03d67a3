# SPDX-License-Identifier: Apache-2.0
# The first frame of an IP package's stimulus.mem -> a program for sequencer.v, filled up to 1024 words. The
# offsets of the registers come from the package's twinspike_registers.vh, read before the stimulus.
function step(operation, register, data) {
    if (++words > 1024) { print "program.awk: the frame does not fit 1024 words" > "/dev/stderr"; exit 1 }
    print operation at["TWINSPIKE_" register] data
}
FNR == NR { if ($1 == "`define") at[$2] = substr($3, 5); next }
FNR == 1 { step(2, "STATUS", "00000001") }      # until the weights are loaded
ended { next }
{
    step(2, "EVENT_SPACE", "0000ffff")          # until the event port has room
    step(1, "EVENT", "000" $1)                  # {last, word}: five digits
    ended = substr($1, 1, 1) == "1"
}
END {
    step(2, "STATUS", "00000004")               # until a result is waiting
    step(3, "LABEL", "00000000")
    step(3, "DISTANCE", "00000001")
    step(1, "STATUS", "00000004")               # it has been taken
    while (words++ < 1024) print "000000000000"
}
