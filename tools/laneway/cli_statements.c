/* laneway statements: the days that were closed. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "laneway/cli.h"

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* Lost or disputed: somebody has to look at it. */
static bool is_bad(const json_t *s)
{
	return strcmp(text(s, "state"), "lost") == 0 || strcmp(text(s, "state"), "disputed") == 0;
}

static void print_statement(struct cli *c, const json_t *s)
{
	const char *first = text(s, "first_date"), *last = text(s, "business_date");
	char events[27];

	cli_count((uint64_t)number(s, "events"), events);
	if (strcmp(first, last) != 0)
		fprintf(c->out, "%s to ", first);
	fprintf(c->out, "%s  %s events  ", last, events);
	if (number(s, "version") > 0)
		fprintf(c->out, "%s, version %" PRId64 ", %s", text(s, "state"),
		        number(s, "version"), text(s, "countersigned"));
	else if (number(s, "missing") > 0)
		fprintf(c->out, "%s: HQ waits for %" PRId64 " events", text(s, "state"),
		        number(s, "missing"));
	else
		fprintf(c->out, "%s",
		        strcmp(text(s, "state"), "waiting") == 0 ? "waits for HQ"
		                                                 : text(s, "state"));
	fputc('\n', c->out);
}

static bool print_blocked(struct cli *c, const json_t *root)
{
	const char *why = text(root, "blocked");

	if (strcmp(why, "no_key") == 0)
		fputs("Days are not closed: device-sign.key is missing in the keys folder; "
		      "`laneway-hq ca sign` makes it.\n",
		      c->out);
	else if (strcmp(why, "untrusted_clock") == 0)
		fputs("Days are not closed until the clock can be trusted.\n", c->out);
	else if (strcmp(why, "failed") == 0)
		fputs("Closing the day failed (see the log): it is tried again every minute.\n",
		      c->out);
	else if (strcmp(why, "starting") == 0)
		fputs("The box is starting: ask again in a moment.\n", c->out);
	return why[0] != '\0';
}

static int print_all(struct cli *c, const json_t *root)
{
	const json_t *list = json_object_get(root, "statements");
	bool bad = print_blocked(c, root);

	for (size_t i = 0; i < json_array_size(list); i++) {
		print_statement(c, json_array_get(list, i));
		bad = bad || is_bad(json_array_get(list, i));
	}
	if (json_array_size(list) == 0)
		fputs("No day has been closed yet.\n", c->out);
	if (text(root, "open_since")[0])
		fprintf(c->out, "Open since %s.\n", text(root, "open_since"));
	return bad ? CLI_PROBLEM : CLI_OK;
}

int cli_statements(struct cli *c, char **args)
{
	struct buf body = {0};
	json_t *root;
	int rc = cli_get(c, "/api/v1/statements", &body);

	(void)args;
	if (rc != CLI_OK)
		goto done;
	root = json_loadb((const char *)body.data, body.len, 0, NULL);
	if (!root) {
		fputs("laneway: the daemon's answer is not JSON\n", c->err);
		rc = CLI_PROBLEM;
	} else if (c->json) {
		fwrite(body.data, 1, body.len, c->out);
		fputc('\n', c->out);
	} else {
		rc = print_all(c, root);
	}
	json_decref(root);
done:
	buf_free(&body);
	return rc;
}
