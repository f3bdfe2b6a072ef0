/* What the subcommands begin with, and what they end with: the command line, the configuration, a
 * reader of hq.db; an answer as JSON or for people. Whatever fails is said on standard error. */
#ifndef LANEWAY_HQ_CMD_ARGS_H
#define LANEWAY_HQ_CMD_ARGS_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

#define HQ_CMD_ERR_SIZE 640

struct hq_conf;
struct sqlite3;

/* Exit statuses (hq_cmd.h). */
enum { EXIT_GOOD = 0, EXIT_SOME_BAD = 1, EXIT_NOT_DONE = 2 };

struct hq_cmd_args {
	const char *command, *conf_path;
	const char *word, *second; /* the arguments that are no options */
	const char *raw, *settle, *store, *author;
	bool json, check, ingest;
	/* of evaluate and duplicates */
	const char *curve, *region, *since, *source, *bits, *limit;
	bool defaults, estimate, suggest;
	/* of links */
	const char *reason;
	bool yes, why, table;
};

/* What a command takes. */
struct hq_cmd_form {
	const char *letters; /* of getopt; c (a file), j, n, r (raw), s (settle), i, t (store);
	                        u (curve), g (region), d, S (since), o (source), b (bits), l
	                        (limit), e, p (suggest); R (reason), y (yes), w (why), A (author), T
	                        (table) */
	const struct option *options;
	const char *first,
	    *second; /* how its words are called; with "[" in front: may be left out */
};

/* 0, or -1: wrong usage. */
int hq_cmd_args_read(int count, char **words, const struct hq_cmd_form *form,
                     struct hq_cmd_args *out);
/* NULL: it could not be read. To be freed with hq_conf_free. */
struct hq_conf *hq_cmd_args_conf(const struct hq_cmd_args *a);
/* NULL: it could not be opened. For db_close_reader. */
struct sqlite3 *hq_cmd_args_reader(const struct hq_cmd_args *a, const struct hq_conf *conf);
/* Print the answer and drop it. */
void hq_cmd_args_print(const struct hq_cmd_args *a, json_t *answer, void (*print)(const json_t *));
/* Who sits here, for what is kept of who did it. */
const char *hq_cmd_args_actor(void);
/* Says why; EXIT_NOT_DONE. */
int hq_cmd_args_fail(const struct hq_cmd_args *a, const char *why);

#endif
