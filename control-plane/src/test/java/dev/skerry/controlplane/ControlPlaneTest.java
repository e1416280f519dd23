package dev.skerry.controlplane;

import dev.skerry.testing.TestingPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.util.TestPropertyValues;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.test.context.ContextConfiguration;

/** Boots the control plane on free ports, on a real Postgres and next to a real Temporal server; one for all test classes. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@SpringBootTest(
        classes = ControlPlaneApplication.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "spring.config.name=control-plane",
            "management.server.port=0",
            "skerry.control-plane.internal.port=0",
            "skerry.control-plane.internal.token=" + ControlPlaneTest.INTERNAL_TOKEN,
            "skerry.control-plane.required-probes=S01",
            "skerry.control-plane.keys.current=k2",
            "skerry.control-plane.keys.secrets.k1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
            "skerry.control-plane.keys.secrets.k2=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=",
            "skerry.control-plane.credentials.current=c2",
            "skerry.control-plane.credentials.secrets.c1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM=",
            "skerry.control-plane.credentials.secrets.c2=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ=",
            "skerry.control-plane.operator.token=" + ControlPlaneTest.OPERATOR_TOKEN,
            "skerry.control-plane.limits.http-answer=2KB",
            "skerry.control-plane.limits.http-time=2s",
            "skerry.control-plane.limits.http-rate=30",
            "skerry.control-plane.limits.workspace=10KB",
            "skerry.control-plane.limits.file=8KB",
            "skerry.control-plane.limits.requests=4",
            "skerry.control-plane.limits.events=1000",
            "skerry.models.anthropic-key=" + TestingModels.ANTHROPIC_KEY,
            "skerry.models.openai-key=" + TestingModels.OPENAI_KEY,
            "skerry.models.openai-model=" + TestingModels.OPENAI_MODEL,
            "skerry.models.default-model=rehearsal",
            "skerry.models.fallbacks[claude-haiku-4-5]=" + TestingModels.OPENAI_MODEL,
            "skerry.models.fallbacks[claude-opus-4-1]=" + TestingModels.OPENAI_MODEL + ","
                    + TestingModels.ANTHROPIC_MODEL,
            "skerry.control-plane.limits.header-time=1s",
            "skerry.control-plane.limits.body-time=1s",
            "skerry.control-plane.limits.read-time=2s",
            "skerry.control-plane.limits.session-rate=20",
            "logging.level.io.temporal.internal.testservice=off",
        })
@ContextConfiguration(initializers = ControlPlaneTest.Servers.class)
public @interface ControlPlaneTest {
    String INTERNAL_TOKEN = "internal-token-of-tests";
    String OPERATOR_TOKEN = "operator-token-of-tests";

    /** Names an empty database, an empty directory and the Temporal server for the context. */
    class Servers implements ApplicationContextInitializer<ConfigurableApplicationContext> {
        @Override
        public void initialize(ConfigurableApplicationContext context) {
            try {
                TestPropertyValues.of(
                                "skerry.db.url=" + TestingPostgres.newDatabase(),
                                "skerry.control-plane.files.directory=" + Files.createTempDirectory("objects"),
                                "skerry.models.anthropic-base-url=" + TestingModels.origin(),
                                "skerry.models.openai-base-url=" + TestingModels.origin() + "/v1",
                                "skerry.control-plane.http.allow-private=127.0.0.1:" + TestingTarget.port(),
                                "skerry.control-plane.http.allow=GET|HEAD|POST " + TestingTarget.url("/open/*"),
                                "skerry.temporal.target=" + TestingTemporal.target())
                        .applyTo(context);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
