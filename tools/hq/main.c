/* laneway-hq: the receiving end. One subcommand per task; no logic here. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/version.h"
#include "hq/base/hq_memory.h"
#include "hq/ca/ca.h"
#include "hq/cmd/hq_cmd.h"

static const struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *arguments, *help;
} commands[] = {
    {"run", hq_cmd_run, "[-n] [-c FILE]", "receive events, answer stores; -n only checks the file"},
    {"import", hq_cmd_import, "FILE.csv [-c FILE]", "bring customers in"},
    {"ca", ca_main, "...", "keys and certificates of HQ, stores and devices"},
    {"status", hq_cmd_status, "[--json] [-c FILE]", "what is held of each store, alarms, webhook"},
    {"profile", hq_cmd_profile, "ID [--why] [--json] [-c FILE]",
     "one customer as HQ knows him or her; or why, a line for each value and match"},
    {"links", hq_cmd_links, "show ID [--json] [-c FILE]",
     "a customer's records, what they claim, and who said that they are one person"},
    {"link", hq_cmd_link, "ID ID --reason TEXT [--yes] [--json] [-c FILE]",
     "say that two customers are one person; without --yes only what would change"},
    {"unlink", hq_cmd_unlink, "LINK --reason TEXT [--yes] [--json] [-c FILE]",
     "take back a link, or what the rules joined: as if it had never been"},
    {"apart", hq_cmd_link, "ID ID --reason TEXT [--yes] [--json] [-c FILE]",
     "say that two customers are two persons: no rule ever joins them"},
    {"block", hq_cmd_block, "KIND --reason TEXT [--yes] [--json] [-c FILE]",
     "an identifier, from standard input, is nobody's: what it had joined parts"},
    {"unblock", hq_cmd_block, "KIND --reason TEXT [--yes] [--json] [-c FILE]",
     "take back every block of an identifier, from standard input"},
    {"confirm", hq_cmd_confirm, "ID --reason TEXT [--yes] [--json] [-c FILE]",
     "vouch for a customer whom a store has enrolled"},
    {"review", hq_cmd_review, "[--settle NUMBER --reason TEXT] [--json] [-c FILE]",
     "what no rule may decide: for a steward"},
    {"rules", hq_cmd_rules,
     "show [VERSION] [--table] | check FILE | publish FILE | revert VERSION\n"
     "             [--reason TEXT] [--author NAME] [--yes] [--json] [-c FILE]",
     "the table of which identifier decides what; without --yes only what would change"},
    {"forks", hq_cmd_forks, "[STORE [--settle EPOCH]] [--raw EPOCH:SEQ] [--json] [-c FILE]",
     "second histories that are kept raw, and branches; or say that they have been looked at"},
    {"quarantine", hq_cmd_quarantine,
     "[STORE | retry [STORE]] [--raw EPOCH:SEQ] [--json] [-c FILE]",
     "lines that could not be read; or read them again after an upgrade"},
    {"duplicates", hq_cmd_duplicates,
     "[--since DATE] [--source WORD] [--bits N] [--limit N] [--estimate] [--suggest] [--json]\n"
     "             [-c FILE]",
     "customers who may be one person, with score and reasons; or let stores ask about them"},
    {"evaluate", hq_cmd_evaluate, "FILE.csv [--region DE] [--curve FILE] [--defaults] [--json]",
     "how well linking and hints do on records of which it is known who is who"},
    {"restored", hq_cmd_restored, "[-c FILE]", "say that hq.db was brought back from a copy"},
    {"salvage", hq_cmd_salvage, "FILE [--ingest] [--store NAME] [--json] [-c FILE]",
     "what is left in a rescued card's journal.db; or take in what is new of it"},
    {"statements", hq_cmd_statements, "[STORE] [--json] [-c FILE]", "days that stores have closed"},
    {"prove", hq_cmd_prove, "STORE DAY [--json] [-c FILE]",
     "recompute a day from what is stored; exit 1 unless all of it holds"},
};

static void usage_of(const struct command *c, FILE *out)
{
	fprintf(out, "  %-10s %s\n             %s\n", c->name, c->arguments, c->help);
}

static int usage(FILE *out)
{
	fprintf(out, "usage: laneway-hq COMMAND ...\n");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		usage_of(&commands[i], out);
	return 2;
}

/* What a command has printed may lack what could not be read. `run` sees to that itself. */
static int end(const struct command *c, int rc)
{
	if (memory_failures() == 0 || rc != 0 || c->main == hq_cmd_run)
		return rc;
	fprintf(stderr, "laneway-hq: out of memory: the answer is not whole\n");
	return 1;
}

int main(int argc, char **argv)
{
	hq_memory_watch();
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		usage(stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("laneway-hq %s\n", version_text());
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (argc == 3 && strcmp(argv[2], "--help") == 0) {
			usage_of(&commands[i], stdout);
			return 0;
		}
		return end(&commands[i], commands[i].main(argc - 1, argv + 1));
	}
	if (argc > 1) {
		fprintf(stderr, "laneway-hq: no such command: %s (laneway-hq --help)\n", argv[1]);
		return 2;
	}
	return usage(stderr);
}
