package dev.skerry.metro;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** One service group as kept on disk; guarded by the lock of {@link ServiceGroups}. */
final class ServiceGroup {
    public String uuid = "";
    public String name = "";
    public String createdAt = "";
    public boolean persistent = true;
    public int softLimit = 1;
    public int hardLimit = 65535;
    public List<JsonNode> services = List.of();
    public List<String> domains = List.of();
    public long autokillMillis;
}
