package dev.skerry.store;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** Versions of each session's files; the bytes are in the object store under their SHA-256. */
@Repository
public class Workspace {
    private final JdbcClient jdbc;

    Workspace(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** One file of one version; {@code size} in bytes, {@code sha256} in hex. */
    public record FileRow(String path, long size, String sha256, Instant changedAt) {}

    /** A file that a sandbox says it has. */
    public record Entry(String path, long size, String sha256) {}

    public boolean hasObject(String sessionId, String sha256, long size) {
        return jdbc.sql(
                        "select exists (select 1 from objects where session_id = :session and sha256 = :sha and size = :size)")
                .param("session", sessionId)
                .param("sha", sha256)
                .param("size", size)
                .query(Boolean.class)
                .single();
    }

    /** Size in bytes of every object that is stored for a session, by SHA-256. */
    public Map<String, Long> objects(String sessionId) {
        var sizes = new HashMap<String, Long>();
        jdbc.sql("select sha256, size from objects where session_id = :session")
                .param("session", sessionId)
                .query(row -> {
                    sizes.put(row.getString("sha256"), row.getLong("size"));
                });
        return sizes;
    }

    public void addObject(String sessionId, String sha256, long size) {
        jdbc.sql("insert into objects (session_id, sha256, size) values (:session, :sha, :size) on conflict do nothing")
                .param("session", sessionId)
                .param("sha", sha256)
                .param("size", size)
                .update();
    }

    /** Bytes stored for a session, every version counted once per content. */
    public long storedBytes(String sessionId) {
        return jdbc.sql("select coalesce(sum(size), 0) from objects where session_id = :session")
                .param("session", sessionId)
                .query(Long.class)
                .single();
    }

    /** Stores the whole workspace as a new version and answers its number; unchanged content makes no new version. */
    @Transactional
    public int store(String sessionId, List<Entry> files) {
        int current = jdbc.sql("select workspace_version from sessions where id = :session for update")
                .param("session", sessionId)
                .query(Integer.class)
                .single();
        List<FileRow> before = files(sessionId);
        var known = new java.util.HashMap<String, FileRow>();
        before.forEach(file -> known.put(file.path(), file));
        boolean same = before.size() == files.size()
                && files.stream().allMatch(file -> {
                    FileRow was = known.get(file.path());
                    return was != null && was.sha256().equals(file.sha256());
                });
        if (same) {
            return current;
        }
        int version = jdbc.sql(
                        "update sessions set workspace_version = workspace_version + 1, updated_at = now() where id = :session returning workspace_version")
                .param("session", sessionId)
                .query(Integer.class)
                .single();
        for (Entry file : files) {
            FileRow was = known.get(file.path());
            Instant changedAt = was != null && was.sha256().equals(file.sha256()) ? was.changedAt() : Instant.now();
            jdbc.sql(
                            "insert into workspace_files (session_id, version, path, size, sha256, changed_at) values (:session, :version, :path, :size, :sha, :at)")
                    .param("session", sessionId)
                    .param("version", version)
                    .param("path", file.path())
                    .param("size", file.size())
                    .param("sha", file.sha256())
                    .param("at", Columns.utc(changedAt))
                    .update();
        }
        return version;
    }

    /** The newest version, by path. */
    public List<FileRow> files(String sessionId) {
        return jdbc.sql("""
                        select f.* from workspace_files f join sessions s on s.id = f.session_id and s.workspace_version = f.version
                        where f.session_id = :session order by f.path""")
                .param("session", sessionId)
                .query((row, n) -> new FileRow(
                        row.getString("path"),
                        row.getLong("size"),
                        row.getString("sha256"),
                        Columns.instant(row, "changed_at")))
                .list();
    }

    public Optional<FileRow> file(String sessionId, String path) {
        return files(sessionId).stream()
                .filter(file -> file.path().equals(path))
                .findFirst();
    }
}
