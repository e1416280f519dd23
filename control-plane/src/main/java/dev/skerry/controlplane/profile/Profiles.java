package dev.skerry.controlplane.profile;

import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Pins a profile to each session: a new release of this program changes nothing about sessions that exist. */
@Component
public class Profiles {
    private static final String DEFAULT = "/profiles/default.json";

    private final Sessions sessions;
    private final JsonMapper json;
    private final String standard;

    Profiles(Sessions sessions, JsonMapper json) {
        this.sessions = sessions;
        this.json = json;
        this.standard = json.writeValueAsString(standard(json));
    }

    /** The pinned profile of a session, pinning the default one if there is none. */
    public Profile of(String session) {
        String pinned = sessions.find(session).map(SessionRow::profile).orElse(null);
        return json.readValue(pinned == null ? sessions.pinProfile(session, standard) : pinned, Profile.class);
    }

    /** What the sandbox of a session is told. */
    public Profile.View view(String session) {
        List<String> command = sessions.agentCommand(session)
                .map(stored -> List.of(json.readValue(stored, String[].class)))
                .orElse(List.of());
        return of(session).view(command);
    }

    private static Profile standard(JsonMapper json) {
        try (InputStream resource = Objects.requireNonNull(Profiles.class.getResourceAsStream(DEFAULT))) {
            return json.readValue(resource, Profile.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
