/* info_registry: what `info` says of registries, in Docker's fields. */
#ifndef CMD_INFO_REGISTRY_H
#define CMD_INFO_REGISTRY_H

#include <jansson.h>

/* RegistryConfig from registries.conf and daemon.json (registry/registries.h): registries that are
 * insecure or have mirrors are members of IndexConfigs, mirrors of Docker Hub are listed in
 * Mirrors, too. A malformed file adds to the warnings. New reference. */
json_t *info_registry_config(json_t *warnings);
/* "Insecure Registries:" and "Registry Mirrors:". */
void info_registry_print(const json_t *registry_config);

#endif
