# twinspike: from images to a placed and routed, bit-exact spiking core. `make help` lists the targets.

CONFIG  ?= digits
TARGETS ?=
FRAMES  ?=
SIM     ?=
BENCH   ?=
WAVES   ?=
STUDY   ?=
LINK    ?=
BOARD   ?= icebreaker
PYTHON  ?= python3

VENV  := .venv
BIN   := $(VENV)/bin
TS    := $(BIN)/twinspike
BUILD := build/$(CONFIG)
READY := $(VENV)/.ready

# Every source of a folder, however deep: a target is stale when one of them is newer.
sources         = $(shell find $(1) -name '*.py' -o -name '*.cpp' -o -name '*.v' -o -name '*.sv')
SHARED_SOURCES := $(call sources,numerics quant) twinspike/config.py
MODEL_SOURCES  := $(call sources,model) $(SHARED_SOURCES)
HW_SOURCES     := $(call sources,hw) $(SHARED_SOURCES)
SIM_SOURCES    := $(call sources,sim)
# A path may hold spaces: make takes them escaped in targets and prerequisites, the shell in quotes, and
# functions that work word by word as another character.
space          := $(subst ,, )
escaped         = $(subst $(space),\ ,$(1))
WORD           := $(subst $(space),|,$(CONFIG))
OWN_FILE       := $(filter %.toml %.TOML,$(WORD))
CONFIG_FILE    := $(call escaped,$(if $(OWN_FILE),$(CONFIG),configs/$(CONFIG).toml))
ifdef OWN_FILE
BUILD := build/$(subst |,$(space),$(basename $(notdir $(WORD))))
endif

# Two files may have equal names: what was made for the other one is out of date.
CHOSEN  := $(call escaped,$(BUILD))/.chosen
TYPES   := build/.types
NETWORK := $(call escaped,$(BUILD))/network.safetensors
TRAINED := $(call escaped,$(BUILD))/.trained
RTL     := $(call escaped,$(BUILD))/rtl/rtl.json
SIMMED  := $(call escaped,$(BUILD))/sim.json

export SIM BENCH WAVES

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help env demo test train export golden rtl sim synth ip report results interop interop-core study recipes reproduce own-data oneshot explore docs site bench bench-sim bench-scaling bench-hw bench-energy calibrate data doctor lint clean formal crash-test reset-test fuzz-files fuzz netlist bitstream flash sim-board enrol-demo FORCE

# What help says of a target begins with "##", and with "#@" where it is for maintainers.
help: ## list the targets
	@echo "make TARGET [CONFIG=digits|mnist|fashion|file.toml]"; echo
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo; echo "For those who work on twinspike itself:"; echo
	@awk -F':.*#@ ' '/^[a-z-]+:.*#@ / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  FRAMES=n test images for sim    SIM=icarus another simulator    WAVES=1 waves of a few frames, with views"
	@echo "  BENCH=cocotb the bench under cocotb for sim (default: compiled code)"
	@echo "  TARGETS='up5k hx8k ecp5-25k ecp5-85k gw1n-9c gw2a-18c' devices for synth"
	@echo "  ONLY='mnist-up5k digits' part of the builds for bench-hw"
	@echo "  BOARD=icebreaker|upduino|ulx3s|orangecrab|tangnano9k|tangnano20k for bitstream, flash, sim-board (SERVE=1: only run it)"
	@echo "  LINK=spi an SPI link instead of the serial port (icebreaker)"
	@echo "  TWINSPIKE_DATA=folder where datasets lie (else they are downloaded to the user's cache)"

$(READY): pyproject.toml constraints.txt
	@echo "creating the Python environment in $(VENV) (once, a few minutes)"
	$(PYTHON) -m venv $(VENV)
# An older pip, such as Debian 12's, runs wavedrom's setup.py without isolation, where newer setuptools break it.
	$(BIN)/pip install --quiet --disable-pip-version-check 'pip>=23.1'
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[dev]
	@touch $@

env: $(READY) ## create the Python environment

demo: $(READY) ## the whole flow on the bundled digits: train, RTL, simulation, UP5K, report
	@$(MAKE) --no-print-directory train rtl sim synth report CONFIG=digits TARGETS=up5k

test: $(READY) #@ run the test suite (ARGS='-m icarus': pytest's own arguments)
	$(BIN)/python -m pytest -n 2 $(ARGS)

formal: $(READY) #@ prove the hardware's properties, and that the proofs reject broken hardware
	PYTHONPATH=.:tests $(BIN)/python -m formal $(foreach f,$(FAMILIES),--family $(f)) --json results/formal.json

crash-test: $(READY) #@ kill training, studies, export and RTL emission at random points
	OMP_NUM_THREADS=1 PYTHONPATH=.:tests $(BIN)/python -m crashes --json results/crashes.json

reset-test: $(READY) #@ every shipped core in Icarus with undefined inputs until its reset, and in Verilator's lint
	PYTHONPATH=.:tests $(BIN)/python -m resets $(if $(FRAMES),--frames $(FRAMES)) --json results/reset.json

fuzz-files: $(READY) #@ damaged files of every kind: loaded soundly or refused with one line
	PYTHONPATH=.:tests $(BIN)/python -m hostile --count $(or $(COUNT),20000) --json results/fuzz_files.json

train: $(TRAINED) ## train CONFIG, export the integer network, evaluate it

$(CHOSEN): FORCE
	@mkdir -p "$(BUILD)" && echo "$(CONFIG)" | cmp -s - "$@" || echo "$(CONFIG)" > "$@"

$(TRAINED): $(CONFIG_FILE) $(CHOSEN) $(MODEL_SOURCES) | $(READY)
	$(TS) train --config "$(CONFIG)" --resume
	@touch "$@"

# A network that ships with the project serves until one is trained.
$(NETWORK): | $(READY)
	$(TS) train --config "$(CONFIG)" --resume --shipped
	@if [ -f "$(BUILD)/checkpoint.safetensors" ]; then touch $(TRAINED); fi

export: $(READY) ## write the network file again from the last checkpoint
	$(TS) export --config "$(CONFIG)"

golden: $(NETWORK) ## run the integer network in numpy over the test images
	$(TS) golden --config "$(CONFIG)"

rtl: $(RTL) ## Verilog, RTLIL, memory images, ports.md

$(RTL): $(NETWORK) $(CONFIG_FILE) $(CHOSEN) $(HW_SOURCES) | $(READY)
	$(TS) rtl --config "$(CONFIG)"

sim: $(SIMMED) ## real test images through the RTL, every spike compared with the golden model

$(SIMMED): $(RTL) $(SIM_SOURCES) $(if $(FRAMES)$(SIM)$(BENCH)$(filter-out 0,$(WAVES)),FORCE)
	$(TS) sim --config "$(CONFIG)" $(if $(FRAMES),--frames $(FRAMES))

synth: $(NETWORK) ## place and route: logic cells, RAMs, Fmax over three seeds
	$(TS) synth --config "$(CONFIG)" $(foreach t,$(TARGETS),--target $(t))

ip: $(NETWORK) ## IP package for somebody else's design: rtl, registers, test benches, FuseSoC, datasheet
	$(TS) ip --config "$(CONFIG)" $(if $(FRAMES),--frames $(FRAMES)) $(if $(NAME),--name $(NAME))

netlist: $(NETWORK) #@ the synthesised cells in simulation, against the golden model
	$(TS) netlist --config "$(CONFIG)" --results results $(foreach t,$(TARGETS),--target $(t)) $(if $(FRAMES),--frames $(FRAMES))

bitstream: $(NETWORK) ## bitstream, flash image, pins and timing of BOARD, met or refused: build/<config>/boards/<board>
	$(TS) bitstream --config "$(CONFIG)" --board $(BOARD) $(if $(LINK),--link $(LINK)) $(if $(SEEDS),--seeds $(SEEDS))

flash: $(READY) ## write them into the board's flash with openFPGALoader
	$(TS) flash --config "$(CONFIG)" --board $(BOARD)

sim-board: $(NETWORK) ## BOARD in simulation on a pseudo-terminal, every answer against the golden model
	$(TS) sim-board --config "$(CONFIG)" --board $(BOARD) $(if $(LINK),--link $(LINK)) \
	  $(if $(FRAMES),--frames $(FRAMES)) $(if $(SERVE),--serve)

enrol-demo: $(READY) ## characters that training never saw, enrolled on a board in simulation, with a picture
	$(TS) enrol-demo $(if $(filter command line environment,$(origin BOARD)),--board $(BOARD))

report: $(NETWORK) ## build/<config>/report/index.html and the closing table
	$(TS) report --config "$(CONFIG)"

results: $(NETWORK) #@ collect build/<config> into results/<config>.json
	$(TS) results --config "$(CONFIG)"

study: $(READY) #@ encodings, distances, losses, bits, neurons: one varied at a time (STUDY=quick: a part of it)
	$(TS) study $(if $(filter quick,$(STUDY)),--quick)

oneshot: $(READY) #@ new classes from a few examples (Omniglot, held-out digits): results/oneshot.json
	$(TS) oneshot

recipes: $(READY) #@ mean and spread of the shipped recipes over three seeds: results/recipes.json
	$(TS) recipes

reproduce: $(READY) #@ published methods beside their papers (ONLY="bs4nn"): results/reproduce.json
	$(TS) reproduce $(ONLY)

own-data: $(READY) #@ networks for events, sound and packets beside plain classifiers (ONLY="nmnist"): results/own_data.json
	$(TS) recordings $(ONLY) $(if $(SEEDS),--seeds $(SEEDS))

explore: $(READY) ## search networks and cores together: the front of F1, time and area
	$(TS) explore $(if $(filter-out digits,$(CONFIG)),--config "$(CONFIG)")

interop: $(READY) #@ train in snnTorch, Norse, SpikingJelly, sinabs and Rockpool, import, emit, simulate: results/interop.json
	$(BIN)/python benchmarks/interop.py

interop-core: $(READY) #@ the NIR paper's network of convolutions: import, simulate, place: results/interop_core.json
	$(BIN)/python benchmarks/paper_core.py

bench: $(READY) #@ a training step beside snnTorch, SpikingJelly and Norse: results/bench_training.json
	$(BIN)/python benchmarks/training.py

bench-sim: $(READY) #@ simulation by compiled code beside cocotb (FRAMES=n): results/bench_simulation.json
	$(BIN)/python benchmarks/simulation.py $(if $(FRAMES),--frames $(FRAMES))

bench-scaling: $(READY) #@ five convolutions over 32 x 32 x 3: plan, write, simulate, clocks: results/scaling.json
	$(BIN)/python benchmarks/scaling.py $(if $(FRAMES),--frames $(FRAMES))

site: $(READY) #@ the documentation as pages, every link checked: build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "wrote build/site/index.html"
	@echo "next: open it in a browser, or with its search: $(BIN)/python -m http.server -d build/site"

.PHONY: screenshot
screenshot: $(READY) #@ the picture of the report in README: after make report CONFIG=mnist, with Chromium
	PYTHONPATH=tests $(BIN)/python pages/screenshot.py build/mnist/report/index.html docs/images/report.png

docs: $(READY) #@ fill README and docs from results/
	$(TS) docs

bench-hw: $(READY) #@ every configuration on every device into results/hardware.json: hours from scratch, resumable
	@$(MAKE) --no-print-directory train CONFIG=digits
	$(TS) bench-hw $(foreach b,$(ONLY),--only $(b))

bench-energy: $(READY) #@ bits that change in each part while images go through (FRAMES=n): results/energy.json
	$(TS) bench-energy $(if $(FRAMES),--frames $(FRAMES))

calibrate: $(READY) #@ fit the planner's model of logic cells to small cores: results/area-*.json, hw/predict/area.json
	$(TS) calibrate

data: $(READY) ## verify the datasets, download what is missing
	$(TS) data

doctor: $(READY) ## which tools are in use, and what is missing
	$(TS) doctor

fuzz: $(READY) #@ random networks and hostile streams through the RTL: NETWORKS=n in all, or MINUTES=m; MAPS=1: on maps
	$(TS) fuzz $(if $(MAPS),--maps) $(if $(NETWORKS),--networks $(NETWORKS)) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(REPLAY),--replay "$(REPLAY)")

lint: $(READY) #@ ruff on the tree; mypy and the direction of imports on the package as it is installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf $(TYPES) && mkdir -p $(TYPES)
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t $(TYPES)
	cd $(TYPES) && "$(CURDIR)/$(BIN)/pip" wheel --quiet --disable-pip-version-check --no-index --no-deps \
	  --no-build-isolation -w wheel . && "$(CURDIR)/$(BIN)/python" -m zipfile -e wheel/*.whl package
	cd $(TYPES)/package && "$(CURDIR)/$(BIN)/mypy" --config-file "$(CURDIR)/pyproject.toml" \
	  --cache-dir "$(CURDIR)/.mypy_cache" -p twinspike
	cd $(TYPES)/package && "$(CURDIR)/$(BIN)/lint-imports" --config "$(CURDIR)/pyproject.toml" --no-cache

clean: ## remove everything that was built (not the environment)
	rm -rf build
