package dev.skerry.store;

import dev.skerry.testing.TestingPostgres;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.util.TestPropertyValues;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.test.context.ContextConfiguration;

/** Boots the repositories on a real, empty Postgres database. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@SpringBootTest(classes = StoreTest.App.class, properties = "spring.config.import=classpath:store.yaml")
@ContextConfiguration(initializers = StoreTest.EmptyDatabase.class)
@interface StoreTest {

    @SpringBootApplication
    class App {}

    /** Names a new database for the context. */
    class EmptyDatabase implements ApplicationContextInitializer<ConfigurableApplicationContext> {
        @Override
        public void initialize(ConfigurableApplicationContext context) {
            TestPropertyValues.of("skerry.db.url=" + TestingPostgres.newDatabase())
                    .applyTo(context);
        }
    }
}
