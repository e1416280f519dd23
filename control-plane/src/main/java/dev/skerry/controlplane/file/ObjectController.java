package dev.skerry.controlplane.file;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.audit.AuditTrail;
import dev.skerry.controlplane.http.InProgress;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.identity.Callers;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.Workspace;
import dev.skerry.store.object.BytesDiffer;
import dev.skerry.store.object.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Streams bytes between sandboxes and the object store, by signed URL. */
@RestController
@RequestMapping("/sandbox/v1/objects/{session}/{sha256}")
class ObjectController {
    private static final Logger log = LoggerFactory.getLogger(ObjectController.class);

    private final ObjectUrls urls;
    private final Callers callers;
    private final ObjectStore objects;
    private final Workspace workspace;
    private final InProgress inProgress;
    private final AuditTrail audit;
    private final long quota;
    private final Map<String, Long> arriving = new ConcurrentHashMap<>();

    ObjectController(
            ObjectUrls urls,
            Callers callers,
            ObjectStore objects,
            Workspace workspace,
            InProgress inProgress,
            AuditTrail audit,
            ControlPlaneSettings settings) {
        this.audit = audit;
        this.urls = urls;
        this.callers = callers;
        this.objects = objects;
        this.workspace = workspace;
        this.inProgress = inProgress;
        this.quota = settings.limits().workspace().toBytes();
    }

    @PutMapping
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void put(
            @PathVariable String session,
            @PathVariable String sha256,
            @RequestParam int incarnation,
            @RequestParam long size,
            @RequestParam long expires,
            @RequestParam String key,
            @RequestParam String signature,
            HttpServletRequest request)
            throws IOException {
        admit(new ObjectUrls.Claim("PUT", session, incarnation, sha256, size, expires, key, signature), request);
        if (request.getContentLengthLong() >= 0 && request.getContentLengthLong() != size) {
            throw RefusedException.invalid("This URL takes exactly " + size + " bytes.");
        }
        inProgress.enter(session);
        try {
            receive(session, sha256, size, request.getInputStream());
        } finally {
            inProgress.leave(session);
        }
    }

    @GetMapping
    void get(
            @PathVariable String session,
            @PathVariable String sha256,
            @RequestParam int incarnation,
            @RequestParam long size,
            @RequestParam long expires,
            @RequestParam String key,
            @RequestParam String signature,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        admit(new ObjectUrls.Claim("GET", session, incarnation, sha256, size, expires, key, signature), request);
        inProgress.enter(session);
        try (InputStream bytes = open(session, sha256)) {
            response.setContentType(MediaType.APPLICATION_OCTET_STREAM_VALUE);
            response.setContentLengthLong(size);
            bytes.transferTo(response.getOutputStream());
        } finally {
            inProgress.leave(session);
        }
    }

    private InputStream open(String session, String sha256) {
        try {
            return objects.open(session, sha256)
                    .orElseThrow(() -> new RefusedException(new Refusal.NotFound("These bytes are not stored.")));
        } catch (IOException e) {
            throw away(session, e);
        }
    }

    /** Also for a sandbox that stopped to send, which does not hear it. */
    private static RefusedException away(String session, IOException e) {
        log.warn("session {}: bytes were neither kept nor read: {}", session, e.toString());
        return new RefusedException(new Refusal.Unavailable("The object store does not answer at the moment.", 2));
    }

    private void admit(ObjectUrls.Claim claim, HttpServletRequest request) {
        Caller caller = urls.verify(claim);
        request.setAttribute(Caller.class.getName(), caller);
        callers.demandLive(caller);
    }

    private void receive(String session, String sha256, long size, InputStream bytes) {
        long pending = arriving.merge(session, size, Long::sum);
        try {
            if (workspace.storedBytes(session) + pending > quota && !workspace.hasObject(session, sha256, size)) {
                throw new RefusedException(
                        new Refusal.TooLarge("This session's files may have " + quota + " bytes at most."));
            }
            objects.put(session, sha256, size, bytes);
            workspace.addObject(session, sha256, size);
            audit.session(session, "file.stored", Map.of("sha256", sha256, "size", size));
        } catch (BytesDiffer e) {
            throw RefusedException.invalid(e.sentence());
        } catch (IOException e) {
            throw away(session, e);
        } finally {
            arriving.computeIfPresent(session, (id, sum) -> sum == size ? null : Long.valueOf(sum - size));
        }
    }
}
