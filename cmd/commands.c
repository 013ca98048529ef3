/* The only list of commands, in the order of help: the common ones, groups, then the others by
 * name. A new command adds its line to LIST (X(v) names the entry `const struct cmd v`). */
#include "cmd/cmd.h"

// clang-format off
#define LIST(X) \
	X(cmd_run) \
	X(cmd_exec) \
	X(cmd_ps) \
	X(cmd_pull) \
	X(cmd_healthcheck) \
	X(cmd_healthcheck_run) \
	X(cmd_images) \
	X(cmd_search) \
	X(cmd_version) \
	X(cmd_info) \
	X(cmd_container) \
	X(cmd_image) \
	X(cmd_manifest) \
	X(cmd_system) \
	X(cmd_volume) \
	X(cmd_attach) \
	X(cmd_commit) \
	X(cmd_complete) \
	X(cmd_container_cleanup) \
	X(cmd_container_exists) \
	X(cmd_container_clone) \
	X(cmd_container_inspect) \
	X(cmd_container_prune) \
	X(cmd_cp) \
	X(cmd_create) \
	X(cmd_diff) \
	X(cmd_doctor) \
	X(cmd_events) \
	X(cmd_exec_ended) \
	X(cmd_export) \
	X(cmd_help) \
	X(cmd_history) \
	X(cmd_image_diff) \
	X(cmd_image_exists) \
	X(cmd_image_inspect) \
	X(cmd_image_mount) \
	X(cmd_image_tree) \
	X(cmd_image_unmount) \
	X(cmd_image_prune) \
	X(cmd_import) \
	X(cmd_init) \
	X(cmd_inspect) \
	X(cmd_kill) \
	X(cmd_load) \
	X(cmd_login) \
	X(cmd_logout) \
	X(cmd_logs) \
	X(cmd_manifest_add) \
	X(cmd_manifest_annotate) \
	X(cmd_manifest_create) \
	X(cmd_manifest_exists) \
	X(cmd_manifest_inspect) \
	X(cmd_manifest_push) \
	X(cmd_manifest_remove) \
	X(cmd_manifest_rm) \
	X(cmd_manual) \
	X(cmd_mount) \
	X(cmd_pause) \
	X(cmd_push) \
	X(cmd_rename) \
	X(cmd_restart) \
	X(cmd_port) \
	X(cmd_rm) \
	X(cmd_rmi) \
	X(cmd_save) \
	X(cmd_start) \
	X(cmd_stats) \
	X(cmd_stop) \
	X(cmd_system_boot) \
	X(cmd_system_check) \
	X(cmd_system_df) \
	X(cmd_system_prune) \
	X(cmd_system_export) \
	X(cmd_system_import) \
	X(cmd_system_migrate) \
	X(cmd_system_shutdown) \
	X(cmd_tag) \
	X(cmd_top) \
	X(cmd_unmount) \
	X(cmd_unpause) \
	X(cmd_undo) \
	X(cmd_unshare) \
	X(cmd_untag) \
	X(cmd_update) \
	X(cmd_volume_create) \
	X(cmd_volume_exists) \
	X(cmd_volume_export) \
	X(cmd_volume_import) \
	X(cmd_volume_inspect) \
	X(cmd_volume_ls) \
	X(cmd_volume_mount) \
	X(cmd_volume_prune) \
	X(cmd_volume_reload) \
	X(cmd_volume_rm) \
	X(cmd_volume_unmount) \
	X(cmd_volume_update) \
	X(cmd_wait)
// clang-format on

#define DECLARE(v) extern const struct cmd v;
LIST(DECLARE)

#define ENTRY(v) &v,
static const struct cmd *const all[] = {LIST(ENTRY) NULL};

#define NO_DAEMON "There is no daemon to connect to: moss itself runs the containers."

// clang-format off
static const struct opt global_opts[] = {
	{"config", 0, OPT_STR, FIELD(struct globals, config_dir), "string",
		"Location of client config files", .complete = COMPLETE_DIR},
	{"context", 'c', OPT_UNSUPPORTED, 0, "string",
		"Context to use", .flags = OPTF_HIDDEN, .hint = NO_DAEMON},
	{"debug", 'D', OPT_BOOL, FIELD(struct globals, debug), "", "Enable debug mode"},
	{"host", 'H', OPT_UNSUPPORTED, 0, "list",
		"Daemon socket to connect to", .flags = OPTF_HIDDEN, .hint = NO_DAEMON},
	{"log-level", 'l', OPT_STR, FIELD(struct globals, log_level), "string",
		"Set the logging level (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")", .def = "info",
		.complete = COMPLETE_CHOICES, .choices = "debug info warn error fatal"},
	{"registries-conf", 0, OPT_STR, FIELD(struct globals, registries_conf), "string",
		"File to read instead of registries.conf", .flags = OPTF_HIDDEN,
		.complete = COMPLETE_FILE},
	{"root", 0, OPT_STR, FIELD(struct globals, root), "string",
		"Folder of images, containers and volumes", .complete = COMPLETE_DIR},
	{"runroot", 0, OPT_STR, FIELD(struct globals, runroot), "string",
		"Folder of sockets and other files of this boot", .complete = COMPLETE_DIR},
	{"storage-driver", 0, OPT_STR, FIELD(struct globals, storage_driver), "string",
		"Storage driver (\"overlay\", \"fuse-overlayfs\", \"vfs\")",
		.complete = COMPLETE_CHOICES, .choices = "overlay fuse-overlayfs vfs"},
	{"storage-opt", 0, OPT_UNSUPPORTED, 0, "list", "Storage driver option", .flags = OPTF_HIDDEN},
	{"tls", 0, OPT_UNSUPPORTED, 0, "", "TLS to the daemon",
		.flags = OPTF_HIDDEN, .hint = NO_DAEMON},
	{"tlscacert", 0, OPT_UNSUPPORTED, 0, "string", "TLS to the daemon",
		.flags = OPTF_HIDDEN, .hint = NO_DAEMON},
	{"tlscert", 0, OPT_UNSUPPORTED, 0, "string", "TLS to the daemon",
		.flags = OPTF_HIDDEN, .hint = NO_DAEMON},
	{"tlskey", 0, OPT_UNSUPPORTED, 0, "string", "TLS to the daemon",
		.flags = OPTF_HIDDEN, .hint = NO_DAEMON},
	{"tlsverify", 0, OPT_UNSUPPORTED, 0, "", "TLS to the daemon",
		.flags = OPTF_HIDDEN, .hint = NO_DAEMON},
	{"version", 'v', OPT_BOOL, FIELD(struct globals, version), "",
		"Print version information and quit", .flags = OPTF_STOP},
	{0},
};
// clang-format on

const struct cmd cmd_root = {
	.name = "",
	.brief = "A container engine without root and without a daemon",
	.operands = "COMMAND",
	.opts = global_opts,
	.args_size = sizeof(struct globals),
	.sub = all,
};
