package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
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

    /** What one version changed. */
    public record Version(int number, @Nullable String turnId, Instant createdAt) {}

    /** A path that a version no longer has, with what it last held. */
    public record Tombstone(int version, String path, long size, String sha256) {}

    /** Like {@link #store(String, String, List)}, outside of any turn. */
    @Transactional
    public int store(String sessionId, List<Entry> files) {
        return store(sessionId, null, files);
    }

    /**
     * Stores the whole workspace as a new version, made in a turn or (null) between turns, and answers its number; unchanged content
     * makes no new version. What is gone since the last version leaves a tombstone.
     */
    @Transactional
    public int store(String sessionId, @Nullable String turnId, List<Entry> files) {
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
        jdbc.sql("insert into workspace_versions (session_id, version, turn_id) values (:session, :version, :turn)")
                .param("session", sessionId)
                .param("version", version)
                .param("turn", turnId, java.sql.Types.VARCHAR)
                .update();
        bury(sessionId, version, before, files);
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

    private void bury(String sessionId, int version, List<FileRow> before, List<Entry> files) {
        Set<String> left = files.stream().map(Entry::path).collect(Collectors.toSet());
        before.stream()
                .filter(file -> !left.contains(file.path()))
                .forEach(file -> jdbc.sql("""
                        insert into workspace_tombstones (session_id, version, path, size, sha256)
                        values (:session, :version, :path, :size, :sha)""")
                        .param("session", sessionId)
                        .param("version", version)
                        .param("path", file.path())
                        .param("size", file.size())
                        .param("sha", file.sha256())
                        .update());
    }

    /** The number of the newest version, 0 before the first. */
    public int version(String sessionId) {
        return jdbc.sql("select workspace_version from sessions where id = :session")
                .param("session", sessionId)
                .query(Integer.class)
                .single();
    }

    /** The versions that are kept, oldest first. */
    public List<Version> versions(String sessionId) {
        return jdbc.sql("select * from workspace_versions where session_id = :session order by version")
                .param("session", sessionId)
                .query((row, n) -> new Version(
                        row.getInt("version"), row.getString("turn_id"), Columns.instant(row, "created_at")))
                .list();
    }

    public List<Tombstone> tombstones(String sessionId) {
        return jdbc.sql("select * from workspace_tombstones where session_id = :session order by version, path")
                .param("session", sessionId)
                .query((row, n) -> new Tombstone(
                        row.getInt("version"), row.getString("path"), row.getLong("size"), row.getString("sha256")))
                .list();
    }

    /** The files of one version, by path. */
    public List<FileRow> files(String sessionId, int version) {
        return jdbc.sql(
                        "select * from workspace_files where session_id = :session and version = :version order by path")
                .param("session", sessionId)
                .param("version", version)
                .query(Workspace::file)
                .list();
    }

    /**
     * Forgets all but the newest {@code keep} versions; answers the SHA-256 of objects that nothing names any more, which are
     * forgotten as well.
     */
    @Transactional
    public List<String> prune(String sessionId, int keep) {
        List<String> named = jdbc.sql("""
                        with kept as (
                            select coalesce(max(version), 0) - :keep as last_forgotten from workspace_versions where session_id = :session),
                        files as (
                            delete from workspace_files using kept
                            where session_id = :session and version <= last_forgotten returning sha256),
                        tombs as (
                            delete from workspace_tombstones using kept
                            where session_id = :session and version <= last_forgotten returning sha256),
                        versions as (
                            delete from workspace_versions using kept
                            where session_id = :session and version <= last_forgotten)
                        select sha256 from files union select sha256 from tombs""")
                .param("session", sessionId)
                .param("keep", keep)
                .query(String.class)
                .list();
        return named.isEmpty() ? List.of() : forget(sessionId, named);
    }

    private List<String> forget(String sessionId, List<String> named) {
        return jdbc.sql("""
                        delete from objects o where session_id = :session and sha256 in (:named)
                          and not exists (select 1 from workspace_files f where f.session_id = :session and f.sha256 = o.sha256)
                          and not exists (select 1 from workspace_tombstones t where t.session_id = :session and t.sha256 = o.sha256)
                        returning sha256""")
                .param("session", sessionId)
                .param("named", named)
                .query(String.class)
                .list();
    }

    private static FileRow file(ResultSet row, int ignored) throws SQLException {
        return new FileRow(
                row.getString("path"),
                row.getLong("size"),
                row.getString("sha256"),
                Columns.instant(row, "changed_at"));
    }

    /** The newest version, by path. */
    public List<FileRow> files(String sessionId) {
        return jdbc.sql("""
                        select f.* from workspace_files f join sessions s on s.id = f.session_id and s.workspace_version = f.version
                        where f.session_id = :session order by f.path""").param("session", sessionId).query(Workspace::file).list();
    }

    public Optional<FileRow> file(String sessionId, String path) {
        return files(sessionId).stream()
                .filter(file -> file.path().equals(path))
                .findFirst();
    }
}
