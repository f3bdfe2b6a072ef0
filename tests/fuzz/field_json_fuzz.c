/* The facts of a page's line and the fields of an enrolment: whatever they hold, they are read or
 * refused; what was read is written and read again as the same bytes, and is explained in one line
 * for each value. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "identity/field_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_list(const struct field_list *l, struct buf *out)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < l->count; i++)
		field_json_write(out, &l->fact[i]);
	buf_byte(out, ']');
}

static void read_again(const struct buf *text)
{
	struct field_list l;
	struct buf b = {0};
	char err[160];
	json_t *root = json_loadb((const char *)text->data, text->len, 0, NULL);

	if (!root || field_json_read(root, &l, err, sizeof err) != 0)
		abort();
	write_list(&l, &b);
	if (b.len != text->len || memcmp(b.data, text->data, b.len) != 0)
		abort();
	buf_free(&b);
	field_list_free(&l);
	json_decref(root);
}

static void explain(const struct field_list *l)
{
	struct field_stand *stands = calloc(l->count + 1, sizeof *stands);
	struct buf b = {0};
	char form[65];
	size_t lines = 0, count = field_stand(l->fact, l->count, stands);

	field_why(l->fact, l->count, true, &b);
	for (size_t i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	if (lines != count)
		abort();
	for (size_t i = 0; i < count; i++) {
		const struct field_fact *f = &l->fact[stands[i].fact];
		if (f->value)
			field_compare_form(f->value, form, sizeof form);
	}
	buf_free(&b);
	free(stands);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct field_fact as = {.source = "till", .id = {{1}}, .unit = {{2}}};
	struct field_list l;
	struct buf b = {0};
	char err[160] = "";
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (!root)
		return 0;
	if (field_json_read(root, &l, err, sizeof err) == 0) {
		explain(&l);
		write_list(&l, &b);
		read_again(&b);
		buf_free(&b);
	} else if (!strstr(err, "expected")) {
		abort();
	}
	field_list_free(&l);
	if (field_json_said(root, &as, NULL, &l, err, sizeof err) == 0)
		explain(&l);
	field_list_free(&l);
	json_decref(root);
	return 0;
}
