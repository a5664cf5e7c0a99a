package capture

import (
	"fmt"
	"slices"
	"strings"
)

// A choice is what a Request wants of a still.
type choice struct {
	still    bool // the still itself
	variants []chosen
}

// A chosen Variant is one of a Camera's, or of the asker's own.
type chosen struct {
	*Variant
	own     bool
	encoder Encoder
}

// enhanced reports whether anything is to be made of the enhanced picture.
func (c choice) enhanced() bool {
	return c.still || slices.ContainsFunc(c.variants, func(v chosen) bool { return !v.Plain })
}

// plain reports whether anything is to be made of the decoded picture.
func (c choice) plain() bool {
	return slices.ContainsFunc(c.variants, func(v chosen) bool { return v.Plain })
}

// choose returns what a request wants. Its error is an ErrVariant.
func (c *Camera) choose(r Request) (choice, error) {
	chosen := choice{still: r.itself()}
	for i := range c.Variants {
		if v := &c.Variants[i]; r.Variants == nil || slices.Contains(r.Variants, v.Name) {
			if err := c.add(&chosen, v, false); err != nil {
				return chosen, err
			}
		}
	}
	for _, name := range r.Variants {
		if name != "" && !slices.ContainsFunc(c.Variants, func(v Variant) bool { return v.Name == name }) {
			return chosen, fmt.Errorf("%w: %.100q; there are %s", ErrVariant, name, c.variantNames())
		}
	}
	if len(r.Own) > maxOwn {
		return chosen, fmt.Errorf("%w: %d of the asker's own: ask for %d at most", ErrVariant, len(r.Own), maxOwn)
	}
	for _, v := range r.Own { // a copy: work that is shared may outlast the Request
		if err := c.add(&chosen, &v, true); err != nil {
			return chosen, err
		}
	}
	if !chosen.still && len(chosen.variants) == 0 {
		return chosen, fmt.Errorf("%w: no file is asked for: leave Variants nil for all, or name one of %s", ErrVariant, c.variantNames())
	}
	return chosen, nil
}

// add adds a Variant that can be made.
func (c *Camera) add(to *choice, v *Variant, own bool) error {
	if err := v.check(); err != nil {
		return err
	}
	for i := range c.Variants {
		if err := v.unlike(&c.Variants[i]); err != nil {
			return err
		}
	}
	for _, other := range to.variants {
		if err := v.unlike(other.Variant); err != nil {
			return err
		}
	}
	encoder, err := c.encoderOf(v)
	to.variants = append(to.variants, chosen{v, own, encoder})
	return err
}

// unlike refuses another Variant of the same name.
func (v *Variant) unlike(other *Variant) error {
	if other != v && strings.EqualFold(other.Name, v.Name) {
		return fmt.Errorf("%w: there are two of the name %s, case aside: call one another", ErrVariant, v.Name)
	}
	return nil
}

// encoderOf returns the Encoder of a Variant.
func (c *Camera) encoderOf(v *Variant) (Encoder, error) {
	encoder := v.Encoder
	if encoder == nil {
		all := slices.DeleteFunc(append([]Encoder{c.encoder()}, c.Encoders...), func(e Encoder) bool { return e == nil })
		i := 0
		if v.Type != "" {
			i = slices.IndexFunc(all, func(e Encoder) bool { return strings.EqualFold(e.Type(), v.Type) })
		}
		if i < 0 {
			types := make([]string, len(all))
			for i, e := range all {
				types[i] = e.Type()
			}
			return nil, fmt.Errorf("%w: %s as %.100q; there are %s", ErrVariant, v.Name, v.Type, strings.Join(types, ", "))
		}
		encoder = all[i]
	} else if v.Type != "" && !strings.EqualFold(encoder.Type(), v.Type) {
		return nil, fmt.Errorf("%w: %s as %.100q by an Encoder of %s: leave Type empty, or Encoder nil", ErrVariant, v.Name, v.Type, encoder.Type())
	}
	if _, ok := encoder.(QualityEncoder); v.Quality != 0 && !ok {
		return nil, fmt.Errorf("%w: the quality of %s is for %T to say: leave Quality zero", ErrVariant, v.Name, encoder)
	}
	return encoder, nil
}

// encoder returns the Encoder of the still itself.
func (c *Camera) encoder() Encoder {
	if c.Encoder == nil {
		return JPEG{}
	}
	return c.Encoder
}

// variantNames lists what Request.Variants may name.
func (c *Camera) variantNames() string {
	names := []string{`""`}
	for _, v := range c.Variants {
		names = append(names, fmt.Sprintf("%q", v.Name))
	}
	return strings.Join(names, ", ")
}
