package dev.skerry.controlplane.file;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.audit.AuditTrail;
import dev.skerry.controlplane.file.ObjectUrls.ObjectUrl;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.Turns;
import dev.skerry.store.Workspace;
import dev.skerry.store.object.BytesDiffer;
import dev.skerry.store.object.ObjectStore;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Tells a sandbox where to put and get bytes, and takes what its workspace is made of. */
@RestController
@RequestMapping("/sandbox/v1/files")
class FileController {
    private static final Logger log = LoggerFactory.getLogger(FileController.class);
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private final Workspace workspace;
    private final Turns turns;
    private final ObjectUrls urls;
    private final ObjectStore objects;
    private final AuditTrail audit;
    private final TransactionTemplate transactions;
    private final ControlPlaneSettings.Limits limits;

    FileController(
            Workspace workspace,
            Turns turns,
            ObjectUrls urls,
            ObjectStore objects,
            AuditTrail audit,
            TransactionTemplate transactions,
            ControlPlaneSettings settings) {
        this.objects = objects;
        this.audit = audit;
        this.transactions = transactions;
        this.workspace = workspace;
        this.turns = turns;
        this.urls = urls;
        this.limits = settings.limits();
    }

    record File(
            @Nullable String path,
            @Nullable Long size,
            @Nullable String sha256) {}

    record Files(@Nullable String turn, @Nullable List<@Nullable File> files) {}

    record Paths(@Nullable List<@Nullable String> paths) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Upload(
            String path,
            @Nullable Boolean have,
            @Nullable String url,
            @Nullable Instant expiresAt) {}

    record Download(String path, long size, String sha256, String url) {}

    record Uploads(List<Upload> files) {}

    record Downloads(List<Download> files) {}

    record Version(int version) {}

    @PostMapping("/uploads")
    Uploads uploads(Caller caller, @RequestBody Files announced) {
        List<Workspace.Entry> entries = checked(announced.files());
        Map<String, Long> stored = workspace.objects(caller.session());
        Map<String, Long> missing = new HashMap<>();
        entries.stream()
                .filter(entry -> !stored.containsKey(entry.sha256()))
                .forEach(entry -> missing.put(entry.sha256(), entry.size()));
        long after = sum(stored) + sum(missing);
        if (after > limits.workspace().toBytes()) {
            throw tooMuch();
        }
        return new Uploads(entries.stream()
                .map(entry -> upload(caller, entry, stored.get(entry.sha256())))
                .toList());
    }

    private RefusedException tooMuch() {
        return new RefusedException(new Refusal.TooLarge("This session's files may have "
                + limits.workspace().toBytes() + " bytes at most, all versions together."));
    }

    @PutMapping("/manifest")
    Version manifest(Caller caller, @RequestBody Files manifest) {
        List<Workspace.Entry> entries = checked(manifest.files());
        String turn = manifest.turn();
        if (turn != null && turns.find(caller.session(), turn).isEmpty()) {
            throw RefusedException.invalid("This session has no such turn.");
        }
        Set<String> paths = new HashSet<>();
        Map<String, Long> stored = workspace.objects(caller.session());
        for (Workspace.Entry entry : entries) {
            if (!paths.add(entry.path())) {
                throw RefusedException.invalid("A manifest names each path once.");
            }
            if (!Long.valueOf(entry.size()).equals(stored.get(entry.sha256())) && !adopted(caller, entry)) {
                throw RefusedException.invalid(
                        "Upload the bytes of every file before naming it in a manifest; those of " + entry.path()
                                + " are missing.");
            }
        }
        int before = workspace.version(caller.session());
        int version = Objects.requireNonNull(transactions.execute(ignored -> {
            int made = workspace.store(caller.session(), turn, entries);
            if (made != before) {
                audit.session(caller.session(), "files.stored", stored(made, turn, entries));
            }
            return made;
        }));
        if (version != before) {
            prune(caller);
        }
        return new Version(version);
    }

    private static Map<String, @Nullable Object> stored(
            int version, @Nullable String turn, List<Workspace.Entry> entries) {
        Map<String, @Nullable Object> data = new HashMap<>();
        data.put("version", version);
        data.put("turn", turn);
        data.put("files", entries.size());
        data.put("bytes", entries.stream().mapToLong(Workspace.Entry::size).sum());
        return data;
    }

    /** What a sandbox put into the object store by itself counts once its bytes were read and found right. */
    private boolean adopted(Caller caller, Workspace.Entry entry) {
        if (workspace.storedBytes(caller.session()) + entry.size()
                > limits.workspace().toBytes()) {
            throw tooMuch();
        }
        try {
            if (!objects.adopt(caller.session(), entry.sha256(), entry.size())) {
                return false;
            }
            workspace.addObject(caller.session(), entry.sha256(), entry.size());
            audit.session(caller.session(), "file.stored", Map.of("sha256", entry.sha256(), "size", entry.size()));
            return true;
        } catch (BytesDiffer e) {
            throw RefusedException.invalid(e.sentence());
        } catch (IOException e) {
            log.warn("session {}: an object was not adopted: {}", caller.session(), e.toString());
            throw new RefusedException(new Refusal.Unavailable("The object store does not answer at the moment.", 2));
        }
    }

    private void prune(Caller caller) {
        for (String sha256 : workspace.prune(caller.session(), limits.versions())) {
            try {
                objects.delete(caller.session(), sha256);
            } catch (IOException e) {
                log.warn(
                        "session {}: an object that nothing names was not deleted: {}", caller.session(), e.toString());
            }
        }
    }

    @PostMapping("/downloads")
    Downloads downloads(Caller caller, @RequestBody Paths wanted) {
        List<Workspace.FileRow> files = workspace.files(caller.session());
        List<@Nullable String> paths = wanted.paths();
        if (paths != null) {
            Set<String> known = new HashSet<>();
            files.forEach(file -> known.add(file.path()));
            paths.stream().map(WorkspacePath::checked).forEach(path -> {
                if (!known.contains(path)) {
                    throw new RefusedException(new Refusal.NotFound("There is no file " + path + "."));
                }
            });
        }
        audit.session(caller.session(), "files.read", Map.of("files", paths == null ? files.size() : paths.size()));
        return new Downloads(files.stream()
                .filter(file -> paths == null || paths.contains(file.path()))
                .map(file -> new Download(
                        file.path(),
                        file.size(),
                        file.sha256(),
                        objects.downloadUrl(caller.session(), file.sha256(), limits.url())
                                .map(URI::toString)
                                .orElseGet(() -> urls.issue("GET", caller, file.sha256(), file.size())
                                        .url())))
                .toList());
    }

    private Upload upload(Caller caller, Workspace.Entry entry, @Nullable Long storedSize) {
        if (storedSize == null) {
            ObjectUrl url = urls.issue("PUT", caller, entry.sha256(), entry.size());
            String direct = objects.uploadUrl(caller.session(), entry.sha256(), entry.size(), limits.url())
                    .map(URI::toString)
                    .orElse(url.url());
            return new Upload(entry.path(), null, direct, url.expiresAt());
        }
        if (storedSize != entry.size()) {
            throw RefusedException.invalid("The size of " + entry.path() + " does not go with its SHA-256.");
        }
        return new Upload(entry.path(), true, null, null);
    }

    private List<Workspace.Entry> checked(@Nullable List<@Nullable File> files) {
        if (files == null) {
            throw RefusedException.invalid("files must be a list.");
        }
        if (files.size() > limits.files()) {
            throw new RefusedException(
                    new Refusal.TooLarge("A workspace may have " + limits.files() + " files at most."));
        }
        return files.stream().map(this::checked).toList();
    }

    private Workspace.Entry checked(@Nullable File file) {
        if (file == null
                || file.size() == null
                || file.size() < 0
                || file.sha256() == null
                || !SHA256.matcher(file.sha256()).matches()) {
            throw RefusedException.invalid("A file needs a path, a size in bytes and a SHA-256 in lower-case hex.");
        }
        if (file.size() > limits.file().toBytes()) {
            throw new RefusedException(
                    new Refusal.TooLarge("A file may have " + limits.file().toBytes() + " bytes at most."));
        }
        return new Workspace.Entry(WorkspacePath.checked(file.path()), file.size(), file.sha256());
    }

    private static long sum(Map<String, Long> sizes) {
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }
}
