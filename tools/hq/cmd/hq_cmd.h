/* The subcommands of laneway-hq that a person runs. Exit status: 0 good; 1 some of it is bad, or
 * not found; 2 it could not be done (wrong usage, no file, no database), said on standard error. */
#ifndef LANEWAY_HQ_CMD_H
#define LANEWAY_HQ_CMD_H

int hq_cmd_run(int argc, char **argv);
int hq_cmd_import(int argc, char **argv);
int hq_cmd_status(int argc, char **argv);
int hq_cmd_profile(int argc, char **argv);
int hq_cmd_prove(int argc, char **argv);
int hq_cmd_statements(int argc, char **argv);
int hq_cmd_forks(int argc, char **argv);
int hq_cmd_quarantine(int argc, char **argv);
int hq_cmd_restored(int argc, char **argv);
int hq_cmd_salvage(int argc, char **argv);
int hq_cmd_links(int argc, char **argv);
int hq_cmd_link(int argc, char **argv); /* also apart */
int hq_cmd_unlink(int argc, char **argv);
int hq_cmd_confirm(int argc, char **argv);
int hq_cmd_block(int argc, char **argv); /* also unblock */
int hq_cmd_review(int argc, char **argv);
int hq_cmd_rules(int argc, char **argv);
int hq_cmd_duplicates(int argc, char **argv);
int hq_cmd_evaluate(int argc, char **argv);

#endif
