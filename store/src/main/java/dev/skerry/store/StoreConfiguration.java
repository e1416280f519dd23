package dev.skerry.store;

import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;

/** Brings every repository into a role's context; the role also imports {@code classpath:store.yaml}. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
public class StoreConfiguration {}
