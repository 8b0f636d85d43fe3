import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Properties;

/**
 * Runs the official client of Nacos by order: one JSON object a line comes in, one answer a line goes out,
 * as {"id":1,"result":...} or {"id":1,"error":"..."}; what a subscription hears goes out as
 * {"event":"changed","instances":[...]}.
 */
public final class Main {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final PrintStream out;
  private final NamingService naming;

  private Main(String server, PrintStream out) throws Exception {
    this.out = out;
    Properties properties = new Properties();
    properties.setProperty("serverAddr", server);
    // Nothing is taken from what an earlier run has left on the disk.
    properties.setProperty("namingLoadCacheAtStart", "false");
    naming = NacosFactory.createNamingService(properties);
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // Libraries that print must not get between the answers.
    System.setOut(System.err);
    Main main = new Main(arguments[0], out);
    main.say(JSON.createObjectNode().put("event", "ready"));
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      main.answer(JSON.readTree(line));
    }
    System.exit(0);
  }

  private synchronized void say(JsonNode line) {
    out.println(line);
  }

  private void answer(JsonNode order) {
    ObjectNode answer = JSON.createObjectNode();
    answer.set("id", order.get("id"));
    try {
      answer.set("result", run(order));
    } catch (Exception error) {
      answer.put("error", String.valueOf(error.getMessage()));
    }
    say(answer);
  }

  private JsonNode run(JsonNode order) throws Exception {
    String name = order.path("service").asText();
    String group = order.path("group").asText("DEFAULT_GROUP");
    switch (order.path("command").asText()) {
      case "select":
        return read(naming.selectInstances(name, group, true, false));
      case "subscribe":
        naming.subscribe(
            name,
            group,
            event -> {
              if (event instanceof NamingEvent changed) {
                ObjectNode line = JSON.createObjectNode().put("event", "changed");
                line.put("service", name);
                line.set("instances", read(changed.getInstances()));
                say(line);
              }
            });
        return JSON.getNodeFactory().booleanNode(true);
      default:
        throw new IllegalArgumentException("unknown command: " + order.path("command").asText());
    }
  }

  private static JsonNode read(List<Instance> instances) {
    ArrayNode list = JSON.createArrayNode();
    for (Instance instance : instances) {
      ObjectNode one = list.addObject();
      one.put("ip", instance.getIp());
      one.put("port", instance.getPort());
      one.put("healthy", instance.isHealthy() && instance.isEnabled());
      one.set("metadata", JSON.valueToTree(instance.getMetadata()));
    }
    return list;
  }
}
