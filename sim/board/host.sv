`timescale 1ns / 1ps
// Plays script.txt to the registers of twinspike_wishbone; sim/board/host.py writes the script and reads what it logs.
//
// A line is an operation and three hexadecimal numbers: 0 address value: write; 1 address: read, log;
// 2 address mask value: read until (read & mask) is the value; 3 clocks: wait; 4 word: on s_axis, bit 16 last.
module clock;
    reg clk = 0, rst = 1;
    always #5 clk = ~clk;

    reg [11:0] adr;
    reg [31:0] dat;
    reg cyc = 0, we = 0;
    reg [16:0] word = 0;
    reg valid = 0;
    wire ack, ready;
    wire [31:0] found;
    twinspike_wishbone dut (
        .clk(clk), .rst(rst), .irq(),
        .wb_cyc_i(cyc), .wb_stb_i(cyc), .wb_we_i(we), .wb_adr_i(adr), .wb_sel_i(4'hf),
        .wb_dat_i(dat), .wb_dat_o(found), .wb_ack_o(ack),
        .s_axis_tdata(word[15:0]), .s_axis_tlast(word[16]), .s_axis_tvalid(valid), .s_axis_tready(ready),
        .m_axis_tdata(), .m_axis_tlast(), .m_axis_tvalid(), .m_axis_tready(1'b1),
        .m_result_tdata(), .m_result_tlast(), .m_result_tvalid(), .m_result_tready(1'b1)@PORTS@
    );

    // Signals change and are sampled between the clock's edges, at its falling one.
    reg [31:0] value;
    task bus(input write, input [11:0] address, input [31:0] data);
        begin
            adr = address; dat = data; we = write;
            cyc = 1;
            @(negedge clk);
            while (!ack) @(negedge clk);
            value = found;
            @(negedge clk) cyc = 0;
        end
    endtask

    integer script, log, fields, operation, polls;
    reg [31:0] a, b, c;
    initial begin
        script = $fopen("script.txt", "r");
        log = $fopen("host.log", "w");
        repeat (4) @(negedge clk);
        rst = 0;
        fields = $fscanf(script, "%h %h %h %h", operation, a, b, c);
        while (fields == 4) begin
            if (operation == 0) bus(1, a[11:0], b);
            if (operation == 1) begin
                bus(0, a[11:0], 0);
                $fwrite(log, "%h\n", value);
            end
            if (operation == 2) begin
                value = ~c;
                for (polls = 0; (value & b) != c && polls < 1000000; polls = polls + 1) bus(0, a[11:0], 0);
                if ((value & b) != c) $fwrite(log, "hangs\n");
            end
            if (operation == 3) repeat (a) @(negedge clk);
            if (operation == 4) begin
                word = a[16:0];
                valid = 1;
                while (!ready) @(negedge clk);
                @(negedge clk) valid = 0;
            end
            fields = $fscanf(script, "%h %h %h %h", operation, a, b, c);
        end
        $fclose(log);
        $finish;
    end
endmodule
