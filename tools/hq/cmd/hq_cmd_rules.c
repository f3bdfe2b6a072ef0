/* laneway-hq rules show, check, publish, revert. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_cmd.h"
#include "hq/cmd/hq_cmd_args.h"
#include "hq/identity/hq_publish.h"
#include "hq/identity/hq_rules_show.h"
#include "hq/identity/hq_watch.h"
#include "identity/pan.h"
#include "store/db.h"

#define PROGRESS_AFTER_US 2000000 /* shorter work is not worth a line */

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"reason", required_argument, NULL, 'R'},
    {"author", required_argument, NULL, 'A'},
    {"yes", no_argument, NULL, 'y'},
    {"table", no_argument, NULL, 'T'},
    {NULL, 0, NULL, 0},
};

/* What a command works with. */
struct ruling {
	const struct hq_cmd_args *a;
	struct hq_conf *conf;
	struct sqlite3 *reader;
	struct hq_publish_way *way;
	struct rule_set was, table; /* in force; to be looked at or published */
	json_t *figures;
	int64_t told_us; /* when progress was told last, or the work began */
};

/* ---- reading ---- */

/* The version that is asked for, 0: the one in force. -1: said. */
static int64_t version_of(const struct hq_cmd_args *a)
{
	int64_t version = 0;

	if (!a->second || num_i64(a->second, 1, INT64_MAX, &version))
		return version;
	fprintf(stderr, "laneway-hq rules: \"%s\" is no version, expected a number\n", a->second);
	return -1;
}

static int64_t read_version(struct ruling *r, int64_t version, struct rule_set *out)
{
	char err[HQ_CMD_ERR_SIZE] = "";
	int64_t found = hq_rules_table(r->reader, &r->conf->rules, version, out, err, sizeof err);

	if (found == 0)
		fprintf(stderr, "laneway-hq rules: there is no version %" PRId64 "\n", version);
	if (found < 0)
		hq_cmd_args_fail(r->a, err);
	return found;
}

static void print_table(const struct rule_set *table)
{
	struct buf text = {0};
	json_t *o;

	rule_write(&text, table);
	o = text.failed ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
	if (o && json_dumpf(o, stdout, JSON_INDENT(1)) == 0)
		putchar('\n');
	json_decref(o);
	buf_free(&text);
}

static int show(struct ruling *r)
{
	int64_t wanted = version_of(r->a), version;
	json_t *shown;

	r->reader = hq_cmd_args_reader(r->a, r->conf);
	if (wanted < 0 || !r->reader)
		return EXIT_NOT_DONE;
	version = read_version(r, wanted, &r->table);
	if (version <= 0)
		return version < 0 ? EXIT_NOT_DONE : EXIT_SOME_BAD;
	if (r->a->table) {
		print_table(&r->table);
		return EXIT_GOOD;
	}
	shown = hq_rules_show(r->reader, version, &r->table);
	if (!shown)
		return hq_cmd_args_fail(r->a, "hq.db could not be read");
	hq_cmd_args_print(r->a, shown, hq_rules_show_print);
	return EXIT_GOOD;
}

/* Every mistake of the file, one line each. */
static int read_draft(struct ruling *r)
{
	struct buf faults = {0};
	int count = rule_draft_file(r->a->second, &r->conf->rules, &r->table, &faults);
	char *at = (char *)faults.data, *end = at + faults.len, *line;

	for (; at < end && (line = memchr(at, '\n', (size_t)(end - at))) != NULL; at = line + 1)
		fprintf(stderr, "%s: %.*s\n", r->a->second, (int)(line - at), at);
	if (count > 1)
		fprintf(stderr, "%d mistakes\n", count);
	buf_free(&faults);
	return count == 0 ? EXIT_GOOD : EXIT_SOME_BAD;
}

/* ---- what would change ---- */

static void tell_progress(struct ruling *r, int64_t done, int64_t of, const char *what)
{
	int64_t now = clock_mono_us(clock_system());

	if (now - r->told_us < PROGRESS_AFTER_US)
		return;
	r->told_us = now;
	fprintf(stderr, "%" PRId64 " of %" PRId64 " customers %s\n", done < of ? done : of, of,
	        what);
}

static json_t *ask_with_table(struct ruling *r, const char *action, int64_t after)
{
	struct buf text = {0};
	json_t *ask = NULL, *table;

	rule_write(&text, &r->table);
	table = text.failed ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
	buf_free(&text);
	if (table && !r->table.version[0])
		json_object_del(table, "version");
	if (table)
		ask = json_pack("{s:s,s:I,s:o}", "action", action, "after", (json_int_t)after,
		                "table", table);
	return ask;
}

static json_t *send(struct ruling *r, json_t *ask)
{
	char err[HQ_CMD_ERR_SIZE] = "out of memory";
	json_t *answer = ask ? hq_publish_ask(r->way, ask, err, sizeof err) : NULL;

	json_decref(ask);
	if (!answer)
		hq_cmd_args_fail(r->a, err);
	return answer;
}

static int preview(struct ruling *r)
{
	int64_t after = 0;
	bool more = true;

	r->told_us = clock_mono_us(clock_system());
	r->figures = json_object();
	while (more) {
		json_t *answer = send(r, ask_with_table(r, "preview", after));
		if (!answer)
			return EXIT_NOT_DONE;
		hq_watch_add(r->figures, json_object_get(answer, "figures"));
		after = json_integer_value(json_object_get(answer, "after"));
		more = json_is_true(json_object_get(answer, "more"));
		tell_progress(r, after, json_integer_value(json_object_get(answer, "of")),
		              "looked at");
		json_decref(answer);
	}
	return EXIT_GOOD;
}

/* ---- publishing ---- */

/* The version; 0: it was said why not. */
static int64_t publish(struct ruling *r)
{
	json_t *answer = send(r, ask_with_table(r, "publish", 0));
	int64_t version = json_integer_value(json_object_get(answer, "version"));

	json_decref(answer);
	return version;
}

/* Until everybody is folded by it. */
static int wait_folded(struct ruling *r)
{
	int64_t of = 0, left = 1;

	r->told_us = clock_mono_us(clock_system());
	while (left > 0) {
		json_t *answer = send(r, json_pack("{s:s}", "action", "left"));
		if (!answer) {
			fprintf(stderr, "laneway-hq rules: the table is published; customers are "
			                "folded by it when HQ runs\n");
			return EXIT_SOME_BAD;
		}
		left = json_integer_value(json_object_get(answer, "left"));
		of = left > of ? left : of;
		tell_progress(r, of - left, of, "folded");
		json_decref(answer);
	}
	return EXIT_GOOD;
}

/* What is printed of it. */
struct ended {
	json_t *diff;
	int64_t version; /* 0: nothing was published */
	bool same;
};

static void print_end(const struct ruling *r, const struct ended *e, bool can_publish)
{
	printf("differences from version %s\n", r->was.version);
	for (size_t i = 0; i < json_array_size(e->diff); i++)
		printf("  %s\n", json_string_value(json_array_get(e->diff, i)));
	if (e->same) {
		printf("  none\n");
		return;
	}
	hq_rules_show_figures(r->figures, e->version > 0);
	if (e->version > 0)
		printf("version %" PRId64 " is in force\n", e->version);
	else
		printf("%s\n", can_publish ? "nothing has been done: say --yes to publish it"
		                           : "the table can be published");
}

static void print_end_json(const struct ruling *r, const struct ended *e)
{
	json_t *o = json_pack("{s:s,s:O,s:O,s:b}", "from", r->was.version, "differences", e->diff,
	                      "figures", r->figures, "done", e->version > 0);

	if (e->version > 0)
		json_object_set_new(o, "version", json_integer(e->version));
	if (json_dumpf(o, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	json_decref(o);
}

/* The table is read: compare, try out, and publish if that is wanted. */
static int go_on(struct ruling *r, bool may_publish)
{
	char err[HQ_CMD_ERR_SIZE];
	struct ended e = {.diff = NULL};
	int rc = EXIT_NOT_DONE;

	if (hq_publish_open(&r->way, r->conf, err, sizeof err) != 0)
		return hq_cmd_args_fail(r->a, err);
	r->reader = hq_cmd_args_reader(r->a, r->conf);
	if (!r->reader || read_version(r, 0, &r->was) <= 0)
		return EXIT_NOT_DONE;
	e.diff = hq_rules_diff(&r->was, &r->table);
	e.same = json_array_size(e.diff) == 0;
	rc = preview(r);
	if (rc == EXIT_GOOD && may_publish && r->a->yes && !e.same) {
		e.version = publish(r);
		rc = e.version > 0 ? wait_folded(r) : EXIT_NOT_DONE;
	}
	if ((rc == EXIT_GOOD || e.version > 0) && r->a->json)
		print_end_json(r, &e);
	else if (rc == EXIT_GOOD || e.version > 0)
		print_end(r, &e, may_publish);
	json_decref(e.diff);
	return rc;
}

static int check(struct ruling *r)
{
	int rc = read_draft(r);

	return rc == EXIT_GOOD ? go_on(r, false) : rc;
}

/* Who does it and why, into the table. */
static bool take_words(struct ruling *r)
{
	const char *reason = r->a->reason,
	           *author = r->a->author ? r->a->author : hq_cmd_args_actor();
	char err[96] = "";

	if (!reason || !reason[0] || text_has_control(reason, strlen(reason)) ||
	    !text_copy(r->table.reason, sizeof r->table.reason, reason))
		snprintf(err, sizeof err, "--reason: expected a text of 1 to %zu bytes",
		         sizeof r->table.reason - 1);
	else if (pan_find(reason, false))
		snprintf(err, sizeof err, "--reason: it holds a card number, expected none");
	else if (!author[0] || text_has_control(author, strlen(author)) ||
	         !text_copy(r->table.author, sizeof r->table.author, author))
		snprintf(err, sizeof err, "--author: expected a name of 1 to %zu bytes",
		         sizeof r->table.author - 1);
	if (err[0])
		hq_cmd_args_fail(r->a, err);
	return !err[0];
}

static int publish_file(struct ruling *r)
{
	int rc = read_draft(r);

	if (rc == EXIT_GOOD && !take_words(r))
		rc = EXIT_NOT_DONE;
	return rc == EXIT_GOOD ? go_on(r, true) : rc;
}

/* An old table as a new version. */
static int revert(struct ruling *r)
{
	int64_t version = version_of(r->a), found;

	r->reader = version > 0 ? hq_cmd_args_reader(r->a, r->conf) : NULL;
	if (!r->reader)
		return EXIT_NOT_DONE;
	found = read_version(r, version, &r->table);
	db_close_reader(r->reader);
	r->reader = NULL;
	if (found <= 0)
		return found < 0 ? EXIT_NOT_DONE : EXIT_SOME_BAD;
	r->table.version[0] = '\0';
	return take_words(r) ? go_on(r, true) : EXIT_NOT_DONE;
}

/* ---- the command ---- */

static const struct {
	const char *name, *word;
	int (*run)(struct ruling *r);
} verbs[] = {
    {"show", NULL, show},
    {"check", "the file with the table", check},
    {"publish", "the file with the table", publish_file},
    {"revert", "the version to go back to", revert},
};

static int run(const struct hq_cmd_args *a, size_t verb)
{
	struct ruling r = {.a = a, .conf = hq_cmd_args_conf(a)};
	int rc = EXIT_NOT_DONE;

	if (r.conf) {
		log_open("laneway-hq", r.conf->log_level);
		rc = verbs[verb].run(&r);
	}
	if (r.reader)
		db_close_reader(r.reader);
	hq_publish_close(r.way);
	rule_free(&r.was);
	rule_free(&r.table);
	json_decref(r.figures);
	hq_conf_free(r.conf);
	return rc;
}

int hq_cmd_rules(int argc, char **argv)
{
	const struct hq_cmd_form form = {"c:jR:A:yT", options, "show, check, publish or revert",
	                                 "[FILE or VERSION]"};
	struct hq_cmd_args a;

	if (hq_cmd_args_read(argc, argv, &form, &a) != 0)
		return EXIT_NOT_DONE;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].name, a.word) != 0)
			continue;
		if (a.second || !verbs[i].word)
			return run(&a, i);
		fprintf(stderr, "laneway-hq rules %s: %s is missing\n", a.word, verbs[i].word);
		return EXIT_NOT_DONE;
	}
	return hq_cmd_args_fail(&a, "expected show, check, publish or revert");
}
