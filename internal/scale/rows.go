package scale

// Kernels are what most of the time is spent in. Those in assembly make the same of an image as those in Go.
type kernels struct {
	double func(to, from []byte)                                         // repeats each number, as far as there is room
	light  func(to []int16, above, below *[3][]byte)                     // makes light of two rows: of luma, Cb and Cr of each pixel
	down   func(to []int16, row int, from [][]int16, weights [][2]int16) // makes one row of pairs of them: the first or the second of mixed ones
	across func(to []lights, from []int16, t *taps)                      // makes two rows of another width

	// write writes two rows whose chroma is shared by four, from the left on as far as it likes, and returns how far that is.
	write func(luma *[2][]byte, cb, cr []byte, from []lights, levels *[1 << 15]uint16) int
}

// Rows of light come in pairs, too, by groups of 16 pixels: two numbers of each pixel's red, then green, then blue. Kernels in assembly have
// those of a colour in another order.
const (
	group     = 16
	groupSize = 3 * 2 * group
)

// Rows of another height come in pairs, too: of each two pixels red, green, blue and nothing of the first row, two numbers each, and of the second.
const (
	mixedRow  = 8
	mixedSize = 2 * mixedRow
)

func double(to, from []byte) {
	from = from[:min(len(from), len(to)/2)]
	for i, v := range from {
		to[2*i], to[2*i+1] = v, v
	}
}

func toLight(to []int16, above, below *[3][]byte) {
	for i := range len(to) / groupSize * group {
		of := to[i/group*groupSize+i%group*2:]
		for row, from := range [...]*[3][]byte{above, below} {
			for k, v := range lightOf(from[0][i], from[1][i], from[2][i]) {
				of[k*2*group+row] = v
			}
		}
	}
}

func down(to []int16, row int, from [][]int16, weights [][2]int16) {
	for i := range len(from[0]) / groupSize * group {
		for colour := range 3 {
			at := i/group*groupSize + colour*2*group + i%group*2
			sum := int32(one / 2)
			for k, w := range weights {
				sum += int32(w[0])*int32(from[k][at]) + int32(w[1])*int32(from[k][at+1])
			}
			to[i/2*mixedSize+row*mixedRow+colour*2+i%2] = saturated(sum >> weightBits)
		}
	}
}

func across(to []lights, from []int16, t *taps) {
	for x, first := range t.first {
		weights := t.weights[x*t.n:][:t.n]
		for row := range 2 {
			for colour := range 3 {
				sum := int32(one / 2)
				for k, w := range weights {
					at := from[(first+k)*mixedSize+row*mixedRow+colour*2:]
					sum += int32(w[0])*int32(at[0]) + int32(w[1])*int32(at[1])
				}
				to[x][row*4+colour] = min(max(sum>>weightBits, 0), white)
			}
		}
	}
}

func saturated(v int32) int16 { return int16(min(max(v, -1<<15), 1<<15-1)) }

// inGo are the kernels for any processor.
var inGo = kernels{double, toLight, down, across, func(*[2][]byte, []byte, []byte, []lights, *[1 << 15]uint16) int { return 0 }}
