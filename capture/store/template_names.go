package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// streamName makes a path of a stream's name, empty of an empty one.
func streamName(stream string) string {
	if stream == "" {
		return ""
	}
	var parts []string
	for part := range strings.SplitSeq(stream, "/") {
		parts = append(parts, segmentName(part))
	}
	if len(parts) > maxFolders {
		return hashedName(strings.Join(parts[:maxFolders], "/"), maxStream, stream)
	}
	return cut(strings.Join(parts, "/"), maxStream, stream)
}

// segmentName makes a name of a part of a stream's.
func segmentName(part string) string {
	if part == "" {
		return "%"
	}
	return clean(part, maxSegment, "_")
}

func idName(id string) string { return clean(id, maxID, "") }

func variantName(variant string) string { return clean(variant, maxVariant, "") }

// clean makes of any string one of letters, digits, dashes, dots within, the marks in also, and %XX for each other byte. No mark stands
// twice in a row: gocloud's drivers take __0x2f__ for an escape of their own.
func clean(s string, most int, also string) string {
	var b strings.Builder
	for i, c := range []byte(s) {
		plain := strings.IndexByte(alphanumeric+"-", c) >= 0 ||
			c == '.' && i > 0 && i < len(s)-1 || strings.IndexByte(also, c) >= 0 && (i == 0 || s[i-1] != c)
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		if b.Len() > most {
			break
		}
	}
	made := b.String()
	if reserved.MatchString(made) {
		made = fmt.Sprintf("%%%02X%s", made[0], made[1:])
	}
	return cut(made, most, s)
}

// reserved are names that Windows takes for devices, whatever stands behind a dot.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

// cut cuts what was made of a string down to most bytes, with the string's hash at its end. No other string's has that: a "%-"
// stands nowhere else.
func cut(made string, most int, of string) string {
	if len(made) <= most {
		return made
	}
	return hashedName(made, most, of)
}

// hashedName is what is left of a name with a hash at its end.
func hashedName(made string, most int, of string) string {
	sum := sha256.Sum256([]byte(of))
	hash := "%-" + hex.EncodeToString(sum[:16])
	return strings.TrimRight(made[:min(len(made), most-len(hash))], "/") + hash
}

// original is the string that clean or streamName made s of; s itself if it ends in a hash.
func original(s string) string {
	if strings.Contains(s, "%-") {
		return s
	}
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		if e == "%" {
			return "" // an empty part of a stream's name
		}
		c, _ := strconv.ParseUint(e[1:], 16, 8)
		return string([]byte{byte(c)})
	})
}

var escape = regexp.MustCompile(`%([0-9A-F]{2})?`)

// who is the hash that stands for a user in names; empty for none.
func who(by string) string {
	if by == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(by))
	return hex.EncodeToString(sum[:8])
}

// extension makes a file's extension, with its dot, of a media type: the usual one of pictures, else the type itself.
func extension(mediaType string) string {
	sub, image := strings.CutPrefix(mediaType, "image/")
	switch {
	case mediaType == "image/jpeg":
		return ".jpg"
	case mediaType == "":
		return ".bin"
	case image && sub != "" && sub != "jpg" && sub != "bin" && clean(sub, maxType, "") == sub && !strings.Contains(sub, "."):
		return "." + sub
	}
	ext := strings.ReplaceAll(clean(mediaType, maxType, ""), ".", "%2E")
	if !strings.Contains(ext, "%") {
		ext += "%" // no media type, and none that looks like a picture's
	}
	return "." + ext
}

// mediaType is what extension made ext of, which has no dot.
func mediaType(ext string) string {
	switch {
	case ext == "jpg":
		return "image/jpeg"
	case ext == "bin":
		return ""
	case strings.Contains(ext, "%"):
		return original(ext)
	default:
		return "image/" + ext
	}
}
