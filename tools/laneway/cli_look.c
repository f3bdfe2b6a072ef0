/* laneway details, find: looking at a customer. Each look is kept by the daemon before it answers.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "event/member.h"
#include "laneway/cli.h"

#define VALUE_BYTES_MAX 512
#define PATH_BYTES_MAX 128

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

/* /api/v1/lanes/<lane><more>. false: that is no lane's name. */
static bool lane_path(struct cli *c, const char *lane, const char *more, char out[PATH_BYTES_MAX])
{
	int n = snprintf(out, PATH_BYTES_MAX, "/api/v1/lanes/%s%s", lane, more);

	if (lane[0] && n < PATH_BYTES_MAX && strcspn(lane, "/?# %") == strlen(lane))
		return true;
	fputs("laneway: expected the name of a lane\n", c->err);
	return false;
}

static json_t *object(struct cli *c, const struct buf *body)
{
	json_t *o = json_loadb((const char *)body->data, body->len, 0, NULL);

	if (!o)
		fputs("laneway: the daemon's answer is not JSON\n", c->err);
	return o;
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_free(b);
}

static void put_json(struct cli *c, const struct buf *body)
{
	fwrite(body->data, 1, body->len, c->out);
	fputc('\n', c->out);
}

/* ---- details ---- */

static void put_entry(struct cli *c, const char *head, const char *value, const char *more)
{
	fprintf(c->out, "%-9s", head);
	cli_put(c->out, value);
	if (more[0]) {
		fputs("  (", c->out);
		cli_put(c->out, more);
		fputc(')', c->out);
	}
	fputc('\n', c->out);
}

static const char *of_contact(const json_t *entry)
{
	const char *state = text(entry, "state");

	if (strcmp(state, "bounced") == 0)
		return "does not arrive";
	if (strcmp(state, "wrong_person") == 0)
		return "is somebody else's";
	return json_is_true(json_object_get(entry, "verified")) ? "" : "not verified";
}

static void put_details(struct cli *c, const json_t *o)
{
	const json_t *notes = json_object_get(o, "notes"), *contact = json_object_get(o, "contact");

	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);
		put_entry(c, "note", text(note, "words"), text(note, "since"));
	}
	for (size_t i = 0; i < json_array_size(contact); i++) {
		const json_t *entry = json_array_get(contact, i);
		put_entry(c, text(entry, "kind"), text(entry, "value"), of_contact(entry));
	}
	if (text(o, "notes_refused")[0])
		fprintf(c->out, "%s.\n", text(o, "notes_refused"));
	else if (json_array_size(notes) == 0)
		fputs("There are no notes.\n", c->out);
	if (text(o, "contact_refused")[0])
		fprintf(c->out, "%s.\n", text(o, "contact_refused"));
}

/* Whom the lane shows now, as the daemon wants it said back; into out as the body of a request.
 * false: nobody of whom more may be shown. */
static int ask_of(struct cli *c, const char *lane, struct buf *out)
{
	char path[PATH_BYTES_MAX];
	struct buf body = {0};

	if (!lane_path(c, lane, "", path))
		return CLI_USAGE;
	int rc = cli_get(c, path, &body);
	json_t *view = rc == CLI_OK ? object(c, &body) : NULL;
	const char *id = text(json_object_get(view, "person"), "details");
	if (rc == CLI_OK && (!view || !id[0])) {
		if (view)
			fprintf(c->err,
			        "laneway: lane %s has no customer in an open sale of whom "
			        "more may be shown\n",
			        lane);
		rc = CLI_PROBLEM;
	}
	if (rc == CLI_OK) {
		buf_byte(out, '{');
		member_text(out, "details", id);
		buf_add(out, "}", 2); /* with its NUL */
	}
	json_decref(view);
	wipe(&body);
	return rc == CLI_OK && out->failed ? CLI_PROBLEM : rc;
}

int cli_details(struct cli *c, char **args)
{
	char path[PATH_BYTES_MAX];
	struct buf json = {0}, body = {0};
	int rc = ask_of(c, args[0], &json);

	if (rc == CLI_OK && lane_path(c, args[0], "/details", path))
		rc = cli_post(c, path, (const char *)json.data, &body);
	json_t *o = rc == CLI_OK ? object(c, &body) : NULL;
	if (rc == CLI_OK && !o)
		rc = CLI_PROBLEM;
	else if (o && c->json)
		put_json(c, &body);
	else if (o)
		put_details(c, o);
	json_decref(o);
	wipe(&body);
	buf_free(&json);
	return rc;
}

/* ---- find ---- */

static void put_found(struct cli *c, const json_t *o)
{
	const json_t *points = json_object_get(o, "points");

	if (strcmp(text(o, "state"), "known") != 0) {
		cli_put(c->out, text(o, "words"));
		fputc('\n', c->out);
		return;
	}
	cli_put(c->out, text(o, "first_name")[0] ? text(o, "first_name") : "Member");
	if (text(o, "tier")[0]) {
		fputs(", ", c->out);
		cli_put(c->out, text(o, "tier"));
	}
	if (json_is_integer(points))
		fprintf(c->out, ", %lld points", (long long)json_integer_value(points));
	fputc('\n', c->out);
	if (json_is_true(json_object_get(o, "masked")))
		fputs("The name is masked until a sale is open.\n", c->out);
}

static int read_value(struct cli *c, struct buf *json)
{
	char value[VALUE_BYTES_MAX + 2] = "";

	if (text_one_line(c->in, value, sizeof value) <= 0) {
		fputs("laneway: expected a phone number or an e-mail address on standard input, "
		      "one line of at most 512 bytes\n",
		      c->err);
		return CLI_USAGE;
	}
	buf_byte(json, '{');
	member_text(json, strchr(value, '@') ? "email" : "phone", value);
	if (c->reason)
		member_text(json, "reason", c->reason);
	buf_add(json, "}", 2); /* with its NUL */
	explicit_bzero(value, sizeof value);
	return json->failed ? CLI_PROBLEM : CLI_OK;
}

int cli_find(struct cli *c, char **args)
{
	char path[PATH_BYTES_MAX];
	struct buf json = {0}, body = {0};
	int rc = lane_path(c, args[0], "/find", path) ? read_value(c, &json) : CLI_USAGE;

	if (rc == CLI_OK)
		rc = cli_post(c, path, (const char *)json.data, &body);
	json_t *o = rc == CLI_OK ? object(c, &body) : NULL;
	if (rc == CLI_OK && !o)
		rc = CLI_PROBLEM;
	else if (o && c->json)
		put_json(c, &body);
	else if (o)
		put_found(c, o);
	json_decref(o);
	wipe(&body);
	wipe(&json);
	return rc;
}
