/* laneway review, block, unblock, note: what a manager looks at and says. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "event/member.h"
#include "laneway/cli.h"

#define VALUE_BYTES_MAX 512
#define NOTE_BYTES_MAX 1024 /* longer is refused by the daemon, whole */
#define PATH_BYTES_MAX 128
#define AT_HQ                                                                                      \
	"Cleared here. Head office says it of the value as well: it finds again once head\n"       \
	"office has heard of this."

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

#define COLUMNS 80
#define INDENT 11 /* of what stands below a line's state */

/* Text in words, broken between them so that no line is longer than a terminal's. */
static void print_wrapped(struct cli *c, const char *from)
{
	char piece[COLUMNS - INDENT + 1];

	while (*from) {
		size_t n = strlen(from), max = sizeof piece - 1;
		if (n > max) {
			for (n = max; n > 0 && from[n] != ' ';)
				n--;
			for (n = n ? n : max; n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80;)
				n--;
		}
		memcpy(piece, from, n);
		piece[n] = '\0';
		fprintf(c->out, "%*s", INDENT, "");
		cli_put(c->out, piece);
		fputc('\n', c->out);
		from += n + (from[n] == ' ');
	}
}

static void print_row(struct cli *c, const json_t *row)
{
	fprintf(c->out, "%-9s  since %s", text(row, "state"), text(row, "since"));
	if (strcmp(text(row, "last"), text(row, "since")) != 0)
		fprintf(c->out, ", last %s", text(row, "last"));
	if (text(row, "kind")[0])
		fprintf(c->out, "  %s", text(row, "kind"));
	if (text(row, "value")[0]) {
		fputs("  ", c->out);
		cli_put(c->out, text(row, "value"));
	}
	fputc('\n', c->out);
	print_wrapped(c, text(row, "words"));
	print_wrapped(c, text(row, "reason"));
}

/* Can somebody clear it by telling its value? */
static bool is_ident(const json_t *row)
{
	const char *state = text(row, "state");

	return strcmp(state, "shared") == 0 || strcmp(state, "blocked") == 0 ||
	       strcmp(state, "question") == 0;
}

static void print_all(struct cli *c, const json_t *root)
{
	const json_t *list = json_object_get(root, "review");

	bool idents = false;

	for (size_t i = 0; i < json_array_size(list); i++) {
		print_row(c, json_array_get(list, i));
		idents |= is_ident(json_array_get(list, i));
	}
	if (json_array_size(list) == 0)
		fputs("Nothing waits for a person.\n", c->out);
	else if (idents)
		fputs("\nlaneway unblock KIND --reason TEXT clears one; the value is read from\n"
		      "standard input.\n",
		      c->out);
}

int cli_review(struct cli *c, char **args)
{
	struct buf body = {0};
	int rc = cli_get(c, "/api/v1/review", &body);

	(void)args;
	json_t *root = rc == CLI_OK ? json_loadb((const char *)body.data, body.len, 0, NULL) : NULL;
	if (rc == CLI_OK && !root) {
		fputs("laneway: the daemon's answer is not JSON\n", c->err);
		rc = CLI_PROBLEM;
	} else if (root && c->json) {
		fwrite(body.data, 1, body.len, c->out);
		fputc('\n', c->out);
	} else if (root) {
		print_all(c, root);
	}
	json_decref(root);
	buf_free(&body);
	return rc;
}

/* HQ has its own word on the value, and has to hear of this first. */
static bool is_at_hq(const struct buf *body)
{
	json_t *o = json_loadb((const char *)body->data, body->len, 0, NULL);
	bool at_hq = json_is_true(json_object_get(o, "at_hq"));

	json_decref(o);
	return at_hq;
}

static int say(struct cli *c, const char *path, const char *kind, const char *done)
{
	char value[VALUE_BYTES_MAX + 2];
	struct buf json = {0}, body = {0};
	int rc = CLI_USAGE;

	if (!c->reason || !c->reason[0]) {
		fputs("laneway: --reason TEXT is missing: why it is done is kept\n", c->err);
		return CLI_USAGE;
	}
	if (text_one_line(c->in, value, sizeof value) <= 0) {
		fputs("laneway: expected the value on standard input, one line of at most 512 "
		      "bytes\n",
		      c->err);
		return CLI_USAGE;
	}
	buf_byte(&json, '{');
	member_text(&json, "kind", kind);
	member_text(&json, "reason", c->reason);
	member_text(&json, "value", value);
	buf_add(&json, "}", 2); /* with its NUL */
	rc = json.failed ? CLI_PROBLEM : cli_post(c, path, (const char *)json.data, &body);
	if (rc == CLI_OK && c->json)
		fprintf(c->out, "%.*s\n", (int)body.len, (const char *)body.data);
	else if (rc == CLI_OK)
		fprintf(c->out, "%s\n", is_at_hq(&body) ? AT_HQ : done);
	if (json.data)
		explicit_bzero(json.data, json.len);
	explicit_bzero(value, sizeof value);
	buf_free(&json);
	buf_free(&body);
	return rc;
}

int cli_block(struct cli *c, char **args)
{
	return say(c, "/api/v1/block", args[0],
	           "Blocked: it finds nobody in this store from now on, and HQ hears of it.");
}

int cli_unblock(struct cli *c, char **args)
{
	return say(c, "/api/v1/unblock", args[0], "Cleared: it finds again from the next scan on.");
}

int cli_note(struct cli *c, char **args)
{
	char text[NOTE_BYTES_MAX + 2], path[PATH_BYTES_MAX];
	struct buf json = {0}, body = {0};

	if (snprintf(path, sizeof path, "/api/v1/lanes/%s/note", args[0]) >= (int)sizeof path ||
	    strcspn(args[0], "/?# %") != strlen(args[0])) {
		fputs("laneway: expected the name of a lane\n", c->err);
		return CLI_USAGE;
	}
	if (text_one_line(c->in, text, sizeof text) < 0) {
		fputs("laneway: expected the note on standard input, one line of at most 200 "
		      "characters\n",
		      c->err);
		return CLI_USAGE;
	}
	buf_byte(&json, '{');
	member_text(&json, "text", text);
	buf_add(&json, "}", 2); /* with its NUL */
	int rc = json.failed ? CLI_PROBLEM : cli_post(c, path, (const char *)json.data, &body);
	if (rc == CLI_OK)
		fprintf(c->out, "%s\n",
		        c->json   ? "{}"
		        : text[0] ? "Kept for 90 days."
		                  : "Taken back.");
	if (json.data)
		explicit_bzero(json.data, json.len);
	explicit_bzero(text, sizeof text);
	buf_free(&json);
	buf_free(&body);
	return rc;
}
