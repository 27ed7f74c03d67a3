from support.networks import wide_network

from twinspike.hw.plan import make_plan
from twinspike.sim.bench.bench import bench_source, log_name


def test_a_core_with_a_load_port_is_loaded_by_the_bench():
    source = bench_source(make_plan(wide_network((64, 8)), (8,), "up5k"))
    assert "@" not in source.replace("always @(posedge clk)", "")
    assert source.count(".s_load_tdata(load_word)") == 1
    assert '$fopen("weights.mem", "r")' in source
    # Again after each reset, which clears weights_loaded.
    assert source.index("if (!load_opened)") < source.index('$fopen("weights.mem"')


def test_log_names_tell_run_and_stream():
    assert log_name(2, "layer0") == "run2_layer0.log"
