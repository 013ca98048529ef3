/* The structs of Docker 26's API, with the names that its JSON gives their fields. */
#include "cmd/format/gotype.h"

#include <stddef.h>

#define NAMED(id, kind_, name_) static const struct gotype id = {.kind = kind_, .name = name_}
#define SLICE(id, elem_, name_)                                                                    \
	static const struct gotype id = {.kind = GO_SLICE, .name = name_, .elem = &elem_}
#define PTR(id, elem_, name_)                                                                      \
	static const struct gotype id = {.kind = GO_PTR, .name = name_, .elem = &elem_}
#define MAP(id, elem_, key_, name_)                                                                \
	static const struct gotype id = {.kind = GO_MAP, .name = name_, .elem = &elem_, .key = key_}
#define STRUCT(id, name_)                                                                          \
	static const struct gotype id = {.kind = GO_STRUCT, .name = name_, .fields = id##_fields}

// clang-format off
static const struct gotype str_slice = {.kind = GO_SLICE, .name = "strslice.StrSlice", .elem = &go_string};
NAMED(uint16, GO_UINT, "uint16");
NAMED(uint_, GO_UINT, "uint");
NAMED(network_mode, GO_STRING, "container.NetworkMode");
NAMED(restart_mode, GO_STRING, "container.RestartPolicyMode");
NAMED(cgroupns_mode, GO_STRING, "container.CgroupnsMode");
NAMED(ipc_mode, GO_STRING, "container.IpcMode");
NAMED(cgroup_spec, GO_STRING, "container.CgroupSpec");
NAMED(pid_mode, GO_STRING, "container.PidMode");
NAMED(uts_mode, GO_STRING, "container.UTSMode");
NAMED(userns_mode, GO_STRING, "container.UsernsMode");
NAMED(isolation, GO_STRING, "container.Isolation");
NAMED(mount_type, GO_STRING, "mount.Type");
NAMED(mount_propagation, GO_STRING, "mount.Propagation");
static const struct gotype duration = {.kind = GO_INT, .flags = GO_DURATION, .name = "time.Duration"};
static const struct gotype time_time = {.kind = GO_STRING, .flags = GO_TIME, .name = "time.Time"};

PTR(ptr_int, go_int, "*int");
PTR(ptr_int64, go_int64, "*int64");
PTR(ptr_bool, go_bool, "*bool");

static const struct gofield empty_fields[] = {{NULL, NULL, NULL}};
STRUCT(empty, "struct {}");
MAP(string_set, empty, NULL, "map[string]struct {}");
MAP(port_set, empty, "nat.Port", "nat.PortSet");

static const struct gofield port_binding_fields[] = {
	{"HostIP", "HostIp", &go_string}, {"HostPort", NULL, &go_string}, {NULL, NULL, NULL}};
STRUCT(port_binding, "nat.PortBinding");
SLICE(port_bindings, port_binding, "[]nat.PortBinding");
MAP(port_map, port_bindings, "nat.Port", "nat.PortMap");

static const struct gofield health_result_fields[] = {
	{"Start", NULL, &time_time}, {"End", NULL, &time_time}, {"ExitCode", NULL, &go_int},
	{"Output", NULL, &go_string}, {NULL, NULL, NULL}};
STRUCT(health_result, "types.HealthcheckResult");
PTR(ptr_health_result, health_result, "*types.HealthcheckResult");
SLICE(health_log, ptr_health_result, "[]*types.HealthcheckResult");
static const struct gofield health_fields[] = {
	{"Status", NULL, &go_string}, {"FailingStreak", NULL, &go_int}, {"Log", NULL, &health_log},
	{NULL, NULL, NULL}};
STRUCT(health, "types.Health");
PTR(ptr_health, health, "*types.Health");

static const struct gofield state_fields[] = {
	{"Status", NULL, &go_string}, {"Running", NULL, &go_bool}, {"Paused", NULL, &go_bool},
	{"Restarting", NULL, &go_bool}, {"OOMKilled", NULL, &go_bool}, {"Dead", NULL, &go_bool},
	{"Pid", NULL, &go_int}, {"ExitCode", NULL, &go_int}, {"Error", NULL, &go_string},
	{"StartedAt", NULL, &go_string}, {"FinishedAt", NULL, &go_string},
	{"Health", NULL, &ptr_health}, {NULL, NULL, NULL}};
STRUCT(state, "types.ContainerState");
PTR(ptr_state, state, "*types.ContainerState");

static const struct gofield healthcheck_fields[] = {
	{"Test", NULL, &go_strings}, {"Interval", NULL, &duration}, {"Timeout", NULL, &duration},
	{"StartPeriod", NULL, &duration}, {"StartInterval", NULL, &duration},
	{"Retries", NULL, &go_int}, {NULL, NULL, NULL}};
STRUCT(healthcheck, "container.HealthConfig");
PTR(ptr_healthcheck, healthcheck, "*container.HealthConfig");

static const struct gofield config_fields[] = {
	{"Hostname", NULL, &go_string}, {"Domainname", NULL, &go_string}, {"User", NULL, &go_string},
	{"AttachStdin", NULL, &go_bool}, {"AttachStdout", NULL, &go_bool},
	{"AttachStderr", NULL, &go_bool}, {"ExposedPorts", NULL, &port_set}, {"Tty", NULL, &go_bool},
	{"OpenStdin", NULL, &go_bool}, {"StdinOnce", NULL, &go_bool}, {"Env", NULL, &go_strings},
	{"Cmd", NULL, &str_slice}, {"Healthcheck", NULL, &ptr_healthcheck},
	{"ArgsEscaped", NULL, &go_bool}, {"Image", NULL, &go_string}, {"Volumes", NULL, &string_set},
	{"WorkingDir", NULL, &go_string}, {"Entrypoint", NULL, &str_slice},
	{"NetworkDisabled", NULL, &go_bool}, {"MacAddress", NULL, &go_string},
	{"OnBuild", NULL, &go_strings}, {"Labels", NULL, &go_string_map},
	{"StopSignal", NULL, &go_string}, {"StopTimeout", NULL, &ptr_int}, {"Shell", NULL, &str_slice},
	{NULL, NULL, NULL}};
STRUCT(config, "container.Config");
PTR(ptr_config, config, "*container.Config");

static const struct gofield log_config_fields[] = {
	{"Type", NULL, &go_string}, {"Config", NULL, &go_string_map}, {NULL, NULL, NULL}};
STRUCT(log_config, "container.LogConfig");
static const struct gofield restart_policy_fields[] = {
	{"Name", NULL, &restart_mode}, {"MaximumRetryCount", NULL, &go_int}, {NULL, NULL, NULL}};
STRUCT(restart_policy, "container.RestartPolicy");
static const struct gofield device_fields[] = {
	{"PathOnHost", NULL, &go_string}, {"PathInContainer", NULL, &go_string},
	{"CgroupPermissions", NULL, &go_string}, {NULL, NULL, NULL}};
STRUCT(device, "container.DeviceMapping");
SLICE(devices, device, "[]container.DeviceMapping");
static const struct gofield ulimit_fields[] = {
	{"Name", NULL, &go_string}, {"Hard", NULL, &go_int64}, {"Soft", NULL, &go_int64},
	{NULL, NULL, NULL}};
static const struct gotype ulimit = {
	.kind = GO_STRUCT, .flags = GO_ULIMIT, .name = "units.Ulimit", .fields = ulimit_fields};
PTR(ptr_ulimit, ulimit, "*units.Ulimit");
SLICE(ulimits, ptr_ulimit, "[]*units.Ulimit");
SLICE(console_size, uint_, "[2]uint");

static const struct gofield bind_options_fields[] = {
	{"Propagation", NULL, &mount_propagation}, {"NonRecursive", NULL, &go_bool},
	{"CreateMountpoint", NULL, &go_bool}, {"ReadOnlyNonRecursive", NULL, &go_bool},
	{"ReadOnlyForceRecursive", NULL, &go_bool}, {NULL, NULL, NULL}};
STRUCT(bind_options, "mount.BindOptions");
PTR(ptr_bind_options, bind_options, "*mount.BindOptions");
static const struct gofield mount_driver_fields[] = {
	{"Name", NULL, &go_string}, {"Options", NULL, &go_string_map}, {NULL, NULL, NULL}};
STRUCT(mount_driver, "mount.Driver");
PTR(ptr_mount_driver, mount_driver, "*mount.Driver");
static const struct gofield volume_options_fields[] = {
	{"NoCopy", NULL, &go_bool}, {"Labels", NULL, &go_string_map}, {"Subpath", NULL, &go_string},
	{"DriverConfig", NULL, &ptr_mount_driver}, {NULL, NULL, NULL}};
STRUCT(volume_options, "mount.VolumeOptions");
PTR(ptr_volume_options, volume_options, "*mount.VolumeOptions");
NAMED(file_mode, GO_UINT, "fs.FileMode");
static const struct gofield tmpfs_options_fields[] = {
	{"SizeBytes", NULL, &go_int64}, {"Mode", NULL, &file_mode}, {NULL, NULL, NULL}};
STRUCT(tmpfs_options, "mount.TmpfsOptions");
PTR(ptr_tmpfs_options, tmpfs_options, "*mount.TmpfsOptions");
PTR(ptr_cluster_options, empty, "*mount.ClusterOptions");
NAMED(mount_consistency, GO_STRING, "mount.Consistency");
static const struct gofield mount_fields[] = {
	{"Type", NULL, &mount_type}, {"Source", NULL, &go_string}, {"Target", NULL, &go_string},
	{"ReadOnly", NULL, &go_bool}, {"Consistency", NULL, &mount_consistency},
	{"BindOptions", NULL, &ptr_bind_options}, {"VolumeOptions", NULL, &ptr_volume_options},
	{"TmpfsOptions", NULL, &ptr_tmpfs_options}, {"ClusterOptions", NULL, &ptr_cluster_options},
	{NULL, NULL, NULL}};
STRUCT(mount, "mount.Mount");
SLICE(mounts, mount, "[]mount.Mount");

static const struct gofield host_config_fields[] = {
	{"Binds", NULL, &go_strings}, {"ContainerIDFile", NULL, &go_string},
	{"LogConfig", NULL, &log_config}, {"NetworkMode", NULL, &network_mode},
	{"PortBindings", NULL, &port_map}, {"RestartPolicy", NULL, &restart_policy},
	{"AutoRemove", NULL, &go_bool}, {"VolumeDriver", NULL, &go_string},
	{"VolumesFrom", NULL, &go_strings}, {"ConsoleSize", NULL, &console_size},
	{"Annotations", NULL, &go_string_map}, {"CapAdd", NULL, &str_slice},
	{"CapDrop", NULL, &str_slice}, {"CgroupnsMode", NULL, &cgroupns_mode},
	{"DNS", "Dns", &go_strings}, {"DNSOptions", "DnsOptions", &go_strings},
	{"DNSSearch", "DnsSearch", &go_strings}, {"ExtraHosts", NULL, &go_strings},
	{"GroupAdd", NULL, &go_strings}, {"IpcMode", NULL, &ipc_mode},
	{"Cgroup", NULL, &cgroup_spec}, {"Links", NULL, &go_strings},
	{"OomScoreAdj", NULL, &go_int}, {"PidMode", NULL, &pid_mode},
	{"Privileged", NULL, &go_bool}, {"PublishAllPorts", NULL, &go_bool},
	{"ReadonlyRootfs", NULL, &go_bool}, {"SecurityOpt", NULL, &go_strings},
	{"StorageOpt", NULL, &go_string_map}, {"Tmpfs", NULL, &go_string_map},
	{"UTSMode", NULL, &uts_mode}, {"UsernsMode", NULL, &userns_mode},
	{"ShmSize", NULL, &go_int64}, {"Sysctls", NULL, &go_string_map},
	{"Runtime", NULL, &go_string}, {"Isolation", NULL, &isolation},
	/* Resources, embedded. */
	{"CPUShares", "CpuShares", &go_int64}, {"Memory", NULL, &go_int64},
	{"NanoCPUs", "NanoCpus", &go_int64}, {"CgroupParent", NULL, &go_string},
	{"BlkioWeight", NULL, &uint16}, {"BlkioWeightDevice", NULL, &go_any_slice},
	{"BlkioDeviceReadBps", NULL, &go_any_slice}, {"BlkioDeviceWriteBps", NULL, &go_any_slice},
	{"BlkioDeviceReadIOps", NULL, &go_any_slice}, {"BlkioDeviceWriteIOps", NULL, &go_any_slice},
	{"CPUPeriod", "CpuPeriod", &go_int64}, {"CPUQuota", "CpuQuota", &go_int64},
	{"CPURealtimePeriod", "CpuRealtimePeriod", &go_int64},
	{"CPURealtimeRuntime", "CpuRealtimeRuntime", &go_int64},
	{"CpusetCpus", NULL, &go_string}, {"CpusetMems", NULL, &go_string},
	{"Devices", NULL, &devices}, {"DeviceCgroupRules", NULL, &go_strings},
	{"DeviceRequests", NULL, &go_any_slice}, {"KernelMemory", NULL, &go_int64},
	{"KernelMemoryTCP", NULL, &go_int64}, {"MemoryReservation", NULL, &go_int64},
	{"MemorySwap", NULL, &go_int64}, {"MemorySwappiness", NULL, &ptr_int64},
	{"OomKillDisable", NULL, &ptr_bool}, {"PidsLimit", NULL, &ptr_int64},
	{"Ulimits", NULL, &ulimits}, {"CPUCount", "CpuCount", &go_int64},
	{"CPUPercent", "CpuPercent", &go_int64}, {"IOMaximumIOps", NULL, &go_uint64},
	{"IOMaximumBandwidth", NULL, &go_uint64},
	{"Mounts", NULL, &mounts}, {"MaskedPaths", NULL, &go_strings},
	{"ReadonlyPaths", NULL, &go_strings}, {"Init", NULL, &ptr_bool}, {NULL, NULL, NULL}};
STRUCT(host_config, "container.HostConfig");
PTR(ptr_host_config, host_config, "*container.HostConfig");

static const struct gofield graph_driver_fields[] = {
	{"Data", NULL, &go_string_map}, {"Name", NULL, &go_string}, {NULL, NULL, NULL}};
STRUCT(graph_driver, "types.GraphDriverData");

static const struct gofield mount_point_fields[] = {
	{"Type", NULL, &mount_type}, {"Name", NULL, &go_string}, {"Source", NULL, &go_string},
	{"Destination", NULL, &go_string}, {"Driver", NULL, &go_string}, {"Mode", NULL, &go_string},
	{"RW", NULL, &go_bool}, {"Propagation", NULL, &mount_propagation}, {NULL, NULL, NULL}};
STRUCT(mount_point, "types.MountPoint");
SLICE(mount_points, mount_point, "[]types.MountPoint");

static const struct gofield ipam_fields[] = {
	{"IPv4Address", NULL, &go_string}, {"IPv6Address", NULL, &go_string},
	{"LinkLocalIPs", NULL, &go_strings}, {NULL, NULL, NULL}};
STRUCT(ipam, "network.EndpointIPAMConfig");
PTR(ptr_ipam, ipam, "*network.EndpointIPAMConfig");
static const struct gofield endpoint_fields[] = {
	{"IPAMConfig", NULL, &ptr_ipam}, {"Links", NULL, &go_strings}, {"Aliases", NULL, &go_strings},
	{"MacAddress", NULL, &go_string}, {"NetworkID", NULL, &go_string},
	{"EndpointID", NULL, &go_string}, {"Gateway", NULL, &go_string},
	{"IPAddress", NULL, &go_string}, {"IPPrefixLen", NULL, &go_int},
	{"IPv6Gateway", NULL, &go_string}, {"GlobalIPv6Address", NULL, &go_string},
	{"GlobalIPv6PrefixLen", NULL, &go_int}, {"DriverOpts", NULL, &go_string_map},
	{"DNSNames", NULL, &go_strings}, {NULL, NULL, NULL}};
STRUCT(endpoint, "network.EndpointSettings");
PTR(ptr_endpoint, endpoint, "*network.EndpointSettings");
MAP(endpoints, ptr_endpoint, NULL, "map[string]*network.EndpointSettings");

static const struct gofield network_settings_fields[] = {
	{"Bridge", NULL, &go_string}, {"SandboxID", NULL, &go_string},
	{"SandboxKey", NULL, &go_string}, {"Ports", NULL, &port_map},
	{"HairpinMode", NULL, &go_bool}, {"LinkLocalIPv6Address", NULL, &go_string},
	{"LinkLocalIPv6PrefixLen", NULL, &go_int}, {"SecondaryIPAddresses", NULL, &go_any_slice},
	{"SecondaryIPv6Addresses", NULL, &go_any_slice}, {"EndpointID", NULL, &go_string},
	{"Gateway", NULL, &go_string}, {"GlobalIPv6Address", NULL, &go_string},
	{"GlobalIPv6PrefixLen", NULL, &go_int}, {"IPAddress", NULL, &go_string},
	{"IPPrefixLen", NULL, &go_int}, {"IPv6Gateway", NULL, &go_string},
	{"MacAddress", NULL, &go_string}, {"Networks", NULL, &endpoints}, {NULL, NULL, NULL}};
STRUCT(network_settings, "types.NetworkSettings");
PTR(ptr_network_settings, network_settings, "*types.NetworkSettings");

static const struct gofield container_fields[] = {
	{"ID", "Id", &go_string}, {"Created", NULL, &go_string}, {"Path", NULL, &go_string},
	{"Args", NULL, &go_strings}, {"State", NULL, &ptr_state}, {"Image", NULL, &go_string},
	{"ResolvConfPath", NULL, &go_string}, {"HostnamePath", NULL, &go_string},
	{"HostsPath", NULL, &go_string}, {"LogPath", NULL, &go_string}, {"Name", NULL, &go_string},
	{"RestartCount", NULL, &go_int}, {"Driver", NULL, &go_string}, {"Platform", NULL, &go_string},
	{"MountLabel", NULL, &go_string}, {"ProcessLabel", NULL, &go_string},
	{"AppArmorProfile", NULL, &go_string}, {"ExecIDs", NULL, &go_strings},
	{"HostConfig", NULL, &ptr_host_config}, {"GraphDriver", NULL, &graph_driver},
	{"SizeRw", NULL, &ptr_int64}, {"SizeRootFs", NULL, &ptr_int64},
	{"Mounts", NULL, &mount_points}, {"Config", NULL, &ptr_config},
	{"NetworkSettings", NULL, &ptr_network_settings}, {NULL, NULL, NULL}};
const struct gotype go_container = {
	.kind = GO_STRUCT, .name = "types.ContainerJSON", .fields = container_fields};

static const struct gofield rootfs_fields[] = {
	{"Type", NULL, &go_string}, {"Layers", NULL, &go_strings}, {NULL, NULL, NULL}};
STRUCT(rootfs, "types.RootFS");
static const struct gofield metadata_fields[] = {
	{"LastTagTime", NULL, &time_time}, {NULL, NULL, NULL}};
STRUCT(metadata, "image.Metadata");
static const struct gofield image_fields[] = {
	{"ID", "Id", &go_string}, {"RepoTags", NULL, &go_strings}, {"RepoDigests", NULL, &go_strings},
	{"Parent", NULL, &go_string}, {"Comment", NULL, &go_string}, {"Created", NULL, &go_string},
	{"Container", NULL, &go_string}, {"ContainerConfig", NULL, &ptr_config},
	{"DockerVersion", NULL, &go_string}, {"Author", NULL, &go_string},
	{"Config", NULL, &ptr_config}, {"Architecture", NULL, &go_string},
	{"Variant", NULL, &go_string}, {"Os", NULL, &go_string}, {"OsVersion", NULL, &go_string},
	{"Size", NULL, &go_int64}, {"VirtualSize", NULL, &go_int64},
	{"GraphDriver", NULL, &graph_driver}, {"RootFS", NULL, &rootfs},
	{"Metadata", NULL, &metadata}, {NULL, NULL, NULL}};
const struct gotype go_image = {
	.kind = GO_STRUCT, .name = "types.ImageInspect", .fields = image_fields};

static const struct gofield usage_fields[] = {
	{"RefCount", NULL, &go_int64}, {"Size", NULL, &go_int64}, {NULL, NULL, NULL}};
STRUCT(usage, "volume.UsageData");
PTR(ptr_usage, usage, "*volume.UsageData");
PTR(ptr_cluster, empty, "*volume.ClusterVolume");
static const struct gofield volume_fields[] = {
	{"ClusterVolume", NULL, &ptr_cluster}, {"CreatedAt", NULL, &go_string},
	{"Driver", NULL, &go_string}, {"Labels", NULL, &go_string_map},
	{"Mountpoint", NULL, &go_string}, {"Name", NULL, &go_string},
	{"Options", NULL, &go_string_map}, {"Scope", NULL, &go_string},
	{"Status", NULL, &go_any_map}, {"UsageData", NULL, &ptr_usage}, {NULL, NULL, NULL}};
const struct gotype go_volume = {
	.kind = GO_STRUCT, .name = "volume.Volume", .fields = volume_fields};

NAMED(event_type, GO_STRING, "events.Type");
NAMED(event_action, GO_STRING, "events.Action");
static const struct gofield actor_fields[] = {
	{"ID", NULL, &go_string}, {"Attributes", NULL, &go_string_map}, {NULL, NULL, NULL}};
STRUCT(actor, "events.Actor");
static const struct gofield event_fields[] = {
	{"Status", "status", &go_string}, {"ID", "id", &go_string}, {"From", "from", &go_string},
	{"Type", NULL, &event_type}, {"Action", NULL, &event_action}, {"Actor", NULL, &actor},
	{"Scope", "scope", &go_string}, {"Time", "time", &go_int64},
	{"TimeNano", "timeNano", &go_int64}, {NULL, NULL, NULL}};
STRUCT(event, "events.Message");
const struct gotype go_event = {.kind = GO_PTR, .name = "*events.Message", .elem = &event};
// clang-format on
