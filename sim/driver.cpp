// The clock of sim/driver.sv under Verilator.
#include "Vdriver.h"
#include "verilated.h"

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vdriver top{&context};
    while (!context.gotFinish()) {
        context.timeInc(1);
        top.clk ^= 1;
        top.eval();
    }
    top.final();
}
