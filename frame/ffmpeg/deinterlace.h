// Deinterlacing: of fields, each of which has every other line of a picture at an instant of its own, the picture of one instant is made.
#ifndef LIVESTILL_DEINTERLACE_H
#define LIVESTILL_DEINTERLACE_H

// The lines of one field in an AVFrame: every other one of a frame of two fields, or all of one that is a field.
typedef struct {
	const void *frame; // NULL for a field that is not there
	int first, step;   // 0 or 1, and 2; or 0, and 1
} ls_field;

// The fields that a picture is made of. Those that differ from kept in size or format are passed over.
typedef struct {
	ls_field kept;         // has the lines that stay
	ls_field other;        // has the lines between, half a picture away
	ls_field kept_before;  // the lines of kept, a picture before
	ls_field other_before; // those of other, a picture before
	int bottom;            // kept has the second line of the picture, the fourth and so on
	int late;              // other is shown before kept, so that other_before lies one and a half pictures away
} ls_fields;

enum {
	LS_UNCOMBED,     // both fields show the same instant: they only have to be woven
	LS_DEINTERLACED, // lines were interpolated
	LS_UNREADABLE,   // the samples lie in a way that is not known here
};

// ls_deinterlace makes a picture of the lines of kept, and others between them. If other shows another instant, or is not there, they are
// interpolated; else they are its own. out is an AVFrame without buffers. It gets the picture if LS_DEINTERLACED is returned, and if
// LS_UNCOMBED is and weave is set. Returns one of these or an AVERROR.
int ls_deinterlace(const ls_fields *f, void *out, int weave);

// ls_is_combed tells whether ls_deinterlace would return LS_DEINTERLACED.
int ls_is_combed(const ls_fields *f);

#endif
