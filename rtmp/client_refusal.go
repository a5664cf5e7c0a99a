package rtmp

import (
	"cmp"
	"fmt"
	"strings"
)

const (
	codeRejected = "NetConnection.Connect.Rejected"
	codeRedirect = 302 // in the ex of a rejection
	maxReason    = 200 // characters of a server's text that are shown
)

// A refusal is a server's no.
type refusal struct {
	code     string
	shown    string // what it says, as far as it may be seen
	text     string // the whole of it
	redirect string // where it says to go instead; empty if nowhere
}

func (r *refusal) Error() string { return "the server says " + r.shown }

// info returns the information object of an onStatus or of an answer to connect.
func (c command) info() map[string]any {
	for _, v := range c.args[min(1, len(c.args)):] {
		if o, ok := v.(map[string]any); ok {
			return o
		}
	}
	return nil
}

// isRefusal tells whether an onStatus with the given information refuses something. Not all servers say so in its level.
func isRefusal(info map[string]any) bool {
	return info["level"] == "error" || info["code"] == codeRejected
}

// refusal returns what a server says about a refusal. Its text may repeat parameters of ours: they come behind a question mark.
func (c *player) refusal(info map[string]any) error {
	r := new(refusal)
	r.code, _ = info["code"].(string)
	r.text, _ = info["description"].(string)
	if ex, _ := info["ex"].(map[string]any); ex["code"] == float64(codeRedirect) && r.code == codeRejected {
		r.redirect, _ = ex["redirect"].(string)
	}
	said := []string{}
	before, _, _ := strings.Cut(r.text, "?")
	for _, text := range []string{r.code, strings.TrimSpace(before)} {
		if c.at.shows(text) {
			text = "(what repeats secrets)"
		}
		if text != "" {
			said = append(said, fmt.Sprintf("%.*q", maxReason, text))
		}
	}
	r.shown = cmp.Or(strings.Join(said, ", "), "no")
	return r
}
