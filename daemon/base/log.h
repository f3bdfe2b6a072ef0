/* Log lines a person can read, to standard error: the service manager keeps them.
 *
 * Under systemd (JOURNAL_STREAM is set) each line starts with its "<level>" prefix; on a terminal
 * the level is coloured; elsewhere a UTC time stands in front. Thread-safe: one line is one write.
 * Never pass a customer's data, a card number or a secret: name the source and the counter instead.
 */
#ifndef LANEWAY_BASE_LOG_H
#define LANEWAY_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* As a configuration names it: error, warn, info or debug; info for any other word. */
enum log_level log_level_named(const char *name);

/* Name the program and the most talkative level to print. prog must outlive the process's logging.
 * Before the first call lines carry no name and stop at LOG_LEVEL_INFO. */
void log_open(const char *prog, enum log_level most);

/* printf-style, no trailing newline; a line is cut at 1,000 bytes. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
