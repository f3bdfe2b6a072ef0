/* `laneway-hq ca`: the fleet's root, one name-constrained intermediate per store, a certificate and
 * keys per device, HQ's own keys, and the broker's access rules. The folder's files are in WIRE.md
 * section 14. */
#ifndef LANEWAY_HQ_CA_H
#define LANEWAY_HQ_CA_H

/* argv[0] is "ca", argv[1] the subcommand. 0 done, 1 it could not be done (said on standard error),
 * 2 the command line is wrong. */
int ca_main(int argc, char **argv);

#endif
