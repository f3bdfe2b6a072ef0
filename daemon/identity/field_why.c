#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "identity/field.h"

/* Does the value say who or where somebody is? */
static bool describes(enum field f)
{
	switch (f) {
	case FIELD_FIRST_NAME:
	case FIELD_LAST_NAME:
	case FIELD_NAME:
	case FIELD_BIRTH_DATE:
	case FIELD_STREET:
	case FIELD_POSTCODE:
	case FIELD_CITY:
	case FIELD_NOTE:
		return true;
	default:
		return false;
	}
}

/* A value that is no text is shown by its bytes' count: the line must stay one line. */
static void put_value(struct buf *out, const struct field_fact *f, bool masked)
{
	const char *v = f->value ? f->value : "";

	if (field_taken_back(f)) {
		buf_str(out, "(taken back)");
		return;
	}
	if (!text_utf8_ok(v, strlen(v)) || text_has_hidden(v, strlen(v))) {
		buf_printf(out, "(%zu bytes that are no text)", strlen(v));
		return;
	}
	if (!masked || !describes(f->field)) {
		buf_str(out, v);
		return;
	}
	size_t first = 1;
	while ((v[first] & 0xc0) == 0x80)
		first++;
	buf_add(out, v, first);
	for (const char *p = v + first; *p; p++) {
		if ((*p & 0xc0) != 0x80)
			buf_byte(out, '*');
	}
}

static void put_origin(struct buf *out, const struct field_fact *f)
{
	char id[TEXT_B64_SIZE(EVENT_ID_BYTES)], at[CLOCK_ISO8601_SIZE];

	clock_iso8601(f->from_us, at);
	buf_printf(out, "%s %s", f->source, at);
	if (f->to_us != f->from_us) {
		clock_iso8601(f->to_us, at);
		buf_printf(out, " to %s", at);
	}
	text_b64(f->id.byte, sizeof f->id.byte, id);
	buf_printf(out, ", trust %d, fact %s", f->trust, id);
}

static bool same_value(const struct field_fact *a, const struct field_fact *b)
{
	if (field_taken_back(a) || field_taken_back(b))
		return field_taken_back(a) && field_taken_back(b);
	return strcmp(a->value, b->value) == 0;
}

/* The next fact behind `than` in the order, or n. */
static size_t next_behind(const struct field_fact *facts, size_t n, size_t than)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		if (facts[i].trust > 0 && field_same_subject(&facts[i], &facts[than]) &&
		    field_wins(&facts[than], &facts[i]) &&
		    (best == n || field_wins(&facts[i], &facts[best])))
			best = i;
	}
	return best;
}

static void put_line(const struct field_fact *facts, size_t n, size_t top, bool masked,
                     struct buf *out)
{
	const struct field_fact *f = &facts[top];

	buf_printf(out, "%s: ", field_name(f->field));
	put_value(out, f, masked);
	buf_str(out, "; ");
	put_origin(out, f);
	size_t at = next_behind(facts, n, top);
	for (; at < n && same_value(f, &facts[at]); at = next_behind(facts, n, at)) {
		buf_str(out, "; also ");
		put_origin(out, &facts[at]);
	}
	if (at < n) {
		buf_str(out, "; before it: ");
		put_value(out, &facts[at], masked);
		buf_str(out, "; ");
		put_origin(out, &facts[at]);
	}
	buf_byte(out, '\n');
}

void field_why(const struct field_fact *facts, size_t n, bool masked, struct buf *out)
{
	struct field_stand *stands = memory_zeroed(n ? n : 1, sizeof *stands);

	if (!stands) {
		out->failed = true;
		return;
	}
	size_t count = field_stand(facts, n, stands);
	for (size_t i = 0; i < count; i++)
		put_line(facts, n, stands[i].fact, masked, out);
	free(stands);
}

/* Without those of one field. The count; NULL in *out: out of memory. */
static size_t others(const struct field_fact *facts, size_t n, enum field without,
                     struct field_fact **out)
{
	size_t count = 0;

	*out = memory_zeroed(n ? n : 1, sizeof **out);
	for (size_t i = 0; *out && i < n; i++)
		if (facts[i].field != without)
			(*out)[count++] = facts[i];
	return count;
}

void field_why_person(const struct field_fact *facts, size_t n, bool masked, struct buf *out)
{
	size_t winner[FIELD_COUNT];
	struct field_fact *some;

	field_choose(facts, n, winner);
	bool apart =
	    winner[FIELD_LAST_NAME] < n && !field_taken_back(&facts[winner[FIELD_LAST_NAME]]);
	if (!apart) {
		field_why(facts, n, masked, out);
	} else {
		size_t count = others(facts, n, FIELD_NAME, &some);
		out->failed = out->failed || !some;
		if (some)
			field_why(some, count, masked, out);
		free(some);
		buf_str(out, "name: put together of first_name and last_name\n");
	}
	if (winner[FIELD_STATE] == n)
		buf_str(out, "state: nobody has said one; that is active\n");
}
