/* laneway-hq links, link, unlink, apart, block, unblock, confirm, review. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_cmd.h"
#include "hq/cmd/hq_cmd_args.h"
#include "hq/identity/hq_links.h"
#include "identity/ident.h"
#include "store/db.h"

#define VALUE_BYTES_MAX 512 /* as it is typed or scanned, a link at most */

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'}, {"json", no_argument, NULL, 'j'},
    {"reason", required_argument, NULL, 'R'}, {"yes", no_argument, NULL, 'y'},
    {"settle", required_argument, NULL, 's'}, {NULL, 0, NULL, 0},
};

static int show(const struct hq_cmd_args *a, json_t *(*read)(struct sqlite3 *db, const char *id),
                void (*print)(const json_t *))
{
	struct hq_conf *conf = hq_cmd_args_conf(a);
	struct sqlite3 *db = conf ? hq_cmd_args_reader(a, conf) : NULL;
	json_t *answer = db ? read(db, a->second) : NULL;
	int rc = !db ? EXIT_NOT_DONE : answer ? EXIT_GOOD : EXIT_SOME_BAD;

	if (answer)
		hq_cmd_args_print(a, answer, print);
	else if (db)
		fprintf(stderr, "laneway-hq: %s is not known\n",
		        a->second ? a->second : "the list");
	if (db)
		db_close_reader(db);
	hq_conf_free(conf);
	return rc;
}

int hq_cmd_links(int argc, char **argv)
{
	const struct hq_cmd_form form = {"c:j", options, "show", "the customer's id"};
	struct hq_cmd_args a;

	if (hq_cmd_args_read(argc, argv, &form, &a) != 0)
		return EXIT_NOT_DONE;
	if (strcmp(a.word, "show") != 0)
		return hq_cmd_args_fail(&a, "expected show and a customer's id");
	return show(&a, hq_links_read, hq_links_print);
}

static int act(const struct hq_cmd_args *a, json_t *ask)
{
	char err[HQ_CMD_ERR_SIZE] = "out of memory";
	struct hq_conf *conf = ask ? hq_cmd_args_conf(a) : NULL;
	json_t *answer = NULL;
	int rc = EXIT_NOT_DONE;

	if (conf) {
		log_open("laneway-hq", conf->log_level);
		answer = hq_links_call(conf, ask, err, sizeof err);
		if (!answer)
			hq_cmd_args_fail(a, err);
	}
	if (answer) {
		rc = json_is_string(json_object_get(answer, "refused")) ? EXIT_SOME_BAD : EXIT_GOOD;
		hq_cmd_args_print(a, answer, hq_links_print_done);
	}
	json_decref(ask);
	hq_conf_free(conf);
	return rc;
}

static json_t *asked(const struct hq_cmd_args *a)
{
	json_t *ask = json_pack("{s:s,s:s,s:s,s:b}", "action", a->command, "actor",
	                        hq_cmd_args_actor(), "reason", a->reason, "yes", a->yes);

	return ask;
}

static int on_customers(int argc, char **argv, const char *first, const char *second)
{
	const struct hq_cmd_form form = {"c:jR:y", options, first, second};
	struct hq_cmd_args a;
	json_t *ask;

	if (hq_cmd_args_read(argc, argv, &form, &a) != 0)
		return EXIT_NOT_DONE;
	if (!a.reason)
		return hq_cmd_args_fail(&a, "--reason is missing");
	ask = asked(&a);
	json_object_set_new(ask, "first", json_string(a.word));
	if (a.second)
		json_object_set_new(ask, "second", json_string(a.second));
	return act(&a, ask);
}

int hq_cmd_link(int argc, char **argv)
{
	return on_customers(argc, argv, "the customer's id", "the other customer's id");
}

int hq_cmd_unlink(int argc, char **argv)
{
	return on_customers(argc, argv, "the link's reference", NULL);
}

int hq_cmd_confirm(int argc, char **argv)
{
	return on_customers(argc, argv, "the customer's id", NULL);
}

int hq_cmd_block(int argc, char **argv)
{
	const struct hq_cmd_form form = {"c:jR:y", options, "the kind of identifier", NULL};
	char value[VALUE_BYTES_MAX + 2];
	struct hq_cmd_args a;
	json_t *ask;

	if (hq_cmd_args_read(argc, argv, &form, &a) != 0)
		return EXIT_NOT_DONE;
	if (!a.reason)
		return hq_cmd_args_fail(&a, "--reason is missing");
	/* Never among the arguments: other users of the machine can read those. */
	if (text_one_line(stdin, value, sizeof value) <= 0)
		return hq_cmd_args_fail(
		    &a, "expected the value on standard input, one line of at most 512 bytes");
	ask = asked(&a);
	json_object_set_new(ask, "kind", json_string(a.word));
	json_object_set_new(ask, "value", json_string(value));
	return act(&a, ask);
}

static json_t *read_review(struct sqlite3 *db, const char *nothing)
{
	(void)nothing;
	return hq_links_review(db);
}

int hq_cmd_review(int argc, char **argv)
{
	const struct hq_cmd_form form = {"c:js:R:", options, NULL, NULL};
	struct hq_cmd_args a;

	if (hq_cmd_args_read(argc, argv, &form, &a) != 0)
		return EXIT_NOT_DONE;
	if (!a.settle)
		return show(&a, read_review, hq_links_print_review);
	if (!a.reason)
		return hq_cmd_args_fail(&a, "--reason is missing");
	return act(&a, json_pack("{s:s,s:s,s:s,s:s,s:b}", "action", "settle", "first", a.settle,
	                         "actor", hq_cmd_args_actor(), "reason", a.reason, "yes", 1));
}
