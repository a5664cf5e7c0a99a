# make check  vet, lint and the tests that run no other programs (go test -short), for while you work: under a minute once all is compiled
# make test   all checks, as continuous integration runs them
# make demo   stills out of two real streams, with contact sheets to look at, in stills/
# make stress the tests, again and again, on a machine that is busy
# make asan   our C under AddressSanitizer and UBSan, which test does too
# make obs    a real OBS publishes, on a screen that nobody sees; a minute when it is installed, which takes 400 MB
# make train  learns on from what package enhance has learned, and writes that over enhance/learned; enhance/train says what to look at before you keep it
# make bench  speed, and tap to bytes beside what is usual today
# make release VERSION=v0.1.0   writes the version into the nested modules, and proves that each can be had on its own
# On a bare Debian 12 or 13 each installs what it needs; that takes root.

LINT = v2.15.0
# The S3 server that blobstore's tests talk to.
VERSITYGW = v1.8.0
# Of go test. The slowest package takes five minutes on two cores that have nothing else to do.
TIMEOUT = 90m
# The environment that pairs go-astiav with this machine's FFmpeg; .ci/setup finds it.
GO = env $$(cat bin/goenv)
# The same for the race detector. What only looks at packages has them compiled for it, too: so each is compiled once for vet, lint and tests.
RACE = $(GO) GOFLAGS="$$GOFLAGS -race"
# Packages to test at a time: one more than there are cores, since many tests wait for peers that send in real time.
AT_A_TIME = $$(($$(nproc) + 1))

# The servers and encoders that the tests and benchmarks talk to, what makes small disks for them, and what opens image files.
PEERS = nginx-light libnginx-mod-rtmp gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
	gstreamer1.0-plugins-bad gstreamer1.0-rtsp python3-gi gir1.2-gst-rtsp-server-1.0 glib-networking iproute2 \
	e2fsprogs mount chromium libimage-exiftool-perl libjpeg-turbo-progs webp libavif-bin

# Where what enhance has learned is learned from: 5 GB.
TRAIN = /tmp/livestill-train

.PHONY: check test stress asan obs demo train bench lint modules setup compat release

check: setup
	$(GO) go vet ./...
	$(MAKE) lint
	$(GO) go test -short -run '^(Test|Fuzz)' ./...

test:
	.ci/setup $(PEERS)
	$(RACE) go vet ./...
	$(RACE) $(MAKE) lint
	$(GO) .ci/layers
	cp enhance/kernels_amd64.s bin/ && GOFLAGS= go generate ./enhance && cmp bin/kernels_amd64.s enhance/kernels_amd64.s
	cp internal/scale/rows_amd64.s bin/ && GOFLAGS= go generate ./internal/scale && cmp bin/rows_amd64.s internal/scale/rows_amd64.s
	$(RACE) .ci/race -p $(AT_A_TIME) -timeout $(TIMEOUT) -- ./...
	$(GO) .ci/asan
	$(MAKE) modules
	.ci/fuzz 2s

# The tests, again and again, while every core is busy with something else: none of them may hang on how fast the machine is.
stress:
	.ci/setup $(PEERS)
	$(GO) .ci/stress $(TIMEOUT)

release: setup
	$(GO) .ci/release $(VERSION)

asan: setup
	$(GO) .ci/asan

demo: setup
	$(GO) .ci/demo stills

train:
	.ci/setup python3-numpy libopenblas0-pthread
	enhance/train/scenes.py $(TRAIN)
	$(GO) go test -count 1 -timeout 3h -run TilesOfStreams -v ./enhance -streams=$(TRAIN)
	enhance/train/constants.py $(TRAIN)
	enhance/train/fit.py $(TRAIN) enhance/learned

bench:
	.ci/setup $(PEERS)
	$(GO) go test -run '^$$' -bench . -benchmem ./...
	$(GO) go run ./examples/bench
	$(GO) go run ./examples/rtmpload
	$(GO) go run ./examples/rtspload

lint: bin/goenv bin/golangci-lint-$(LINT)
	$(GO) bin/golangci-lint-$(LINT) run --allow-parallel-runners ./...

bin/goenv:
	.ci/setup

bin/golangci-lint-$(LINT):
	GOFLAGS= GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)
	mv bin/golangci-lint $@

# In the modules within, such as capture/store/blobstore, what test does here.
modules: bin/golangci-lint-$(LINT) bin/versitygw-$(VERSITYGW)
	.ci/modules bin/golangci-lint-$(LINT) $(TIMEOUT)

bin/versitygw-$(VERSITYGW):
	GOFLAGS= GOWORK=off GOBIN=$(CURDIR)/bin go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW)
	ln -f bin/versitygw $@

setup:
	.ci/setup

obs:
	.ci/setup obs-studio xvfb libgl1-mesa-dri
	$(GO) go vet -tags obs ./internal/e2e
	$(GO) go test -tags obs -count 1 -run '^TestOBS$$' -timeout $(TIMEOUT) -v ./internal/e2e

# All three on Debian 13, in a folder made by debootstrap.
compat:
	.ci/compat trixie demo test obs
