import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.cloud.client.ServiceInstance;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.loadbalancer.LoadBalancerClient;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * An application of Spring Cloud that looks for others by order: one JSON object a line comes in, one
 * answer a line goes out, as {"id":1,"result":...} or {"id":1,"error":"..."}.
 */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Main {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // Libraries that print must not get between the answers.
    System.setOut(System.err);
    ConfigurableApplicationContext context =
        new SpringApplicationBuilder(Main.class)
            .web(WebApplicationType.NONE)
            .properties(
                "spring.main.banner-mode=off",
                "spring.application.name=consumer",
                "eureka.client.serviceUrl.defaultZone=" + arguments[0],
                "eureka.client.registerWithEureka=false",
                // As often as it looks at all: 30 s is usual.
                "eureka.client.registryFetchIntervalSeconds=1",
                "spring.cloud.loadbalancer.cache.enabled=false")
            .run();
    out.println(JSON.createObjectNode().put("event", "ready"));
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode order = JSON.readTree(line);
      ObjectNode answer = JSON.createObjectNode();
      answer.set("id", order.get("id"));
      try {
        answer.set("result", run(context, order));
      } catch (Exception error) {
        answer.put("error", String.valueOf(error.getMessage()));
      }
      out.println(answer);
    }
    System.exit(0);
  }

  private static JsonNode run(ConfigurableApplicationContext context, JsonNode order) {
    String service = order.path("service").asText();
    switch (order.path("command").asText()) {
      case "instances":
        ArrayNode list = JSON.createArrayNode();
        for (ServiceInstance one :
            context.getBean(DiscoveryClient.class).getInstances(service)) {
          list.add(read(one));
        }
        return list;
      case "choose":
        ServiceInstance chosen = context.getBean(LoadBalancerClient.class).choose(service);
        return chosen == null ? JSON.nullNode() : read(chosen);
      default:
        throw new IllegalArgumentException("unknown command: " + order.path("command").asText());
    }
  }

  private static ObjectNode read(ServiceInstance instance) {
    ObjectNode one = JSON.createObjectNode();
    one.put("uri", instance.getUri().toString());
    one.put("secure", instance.isSecure());
    one.set("metadata", JSON.valueToTree(instance.getMetadata()));
    return one;
  }
}
