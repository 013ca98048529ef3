/* moss-unpack: the program that reads foreign documents and archives; see
 * engine/transfer/proto.h. */
#include "engine/transfer/roles.h"

int main(void) { role_main("moss-unpack", unpack_role_run); }
