package dev.skerry.controlplane.audit;

import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.store.Audit;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Appends to the audit log; inside a transaction, with it. */
@Component
public class AuditTrail {
    private final Audit audit;
    private final StoredJson json;

    AuditTrail(Audit audit, StoredJson json) {
        this.audit = audit;
        this.json = json;
    }

    public void session(String session, String kind, Map<String, ? extends @Nullable Object> data) {
        audit.append(session, kind, json.of(data));
    }

    public void tenant(String tenant, String kind, Map<String, ? extends @Nullable Object> data) {
        audit.append(Audit.tenant(tenant), kind, json.of(data));
    }

    public void platform(String kind, Map<String, ? extends @Nullable Object> data) {
        audit.append(Audit.PLATFORM, kind, json.of(data));
    }
}
