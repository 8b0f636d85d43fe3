import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.eventbus.EventBus;
import com.google.common.eventbus.Subscribe;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.apache.servicecomb.http.client.auth.RequestAuthHeaderProvider;
import org.apache.servicecomb.http.client.common.HttpConfiguration.SSLProperties;
import org.apache.servicecomb.http.client.common.HttpUtils;
import org.apache.servicecomb.service.center.client.DiscoveryEvents.PullInstanceEvent;
import org.apache.servicecomb.service.center.client.ServiceCenterAddressManager;
import org.apache.servicecomb.service.center.client.ServiceCenterClient;
import org.apache.servicecomb.service.center.client.ServiceCenterWatch;
import org.apache.servicecomb.service.center.client.model.CreateSchemaRequest;
import org.apache.servicecomb.service.center.client.model.FindMicroserviceInstancesResponse;
import org.apache.servicecomb.service.center.client.model.HeartbeatsRequest;
import org.apache.servicecomb.service.center.client.model.InstancesRequest;
import org.apache.servicecomb.service.center.client.model.Microservice;
import org.apache.servicecomb.service.center.client.model.MicroserviceInstance;
import org.springframework.core.env.StandardEnvironment;

/**
 * Runs the official client by order: one JSON object a line comes in, one answer a line goes out, as
 * {"id":1,"result":...} or {"id":1,"error":"..."}; what a watch hears goes out as {"event":"changed"}.
 */
public final class Main {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PROJECT = "default";
  private static final String DOMAIN = "default";

  private final PrintStream out;
  private final EventBus events = new EventBus();
  private final ServiceCenterAddressManager addresses;
  private final RequestAuthHeaderProvider noAuth = request -> Collections.emptyMap();
  private final SSLProperties noSsl = new SSLProperties();
  private final ServiceCenterClient client;
  private ServiceCenterWatch watch;

  private Main(String url, PrintStream out) {
    this.out = out;
    addresses = new ServiceCenterAddressManager(PROJECT, List.of(url), "", "", events);
    client =
        new ServiceCenterClient(
            addresses,
            noSsl,
            noAuth,
            DOMAIN,
            Collections.emptyMap(),
            new StandardEnvironment());
    client.setEventBus(events);
    events.register(this);
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
    String command = order.path("command").asText();
    String serviceId = order.path("serviceId").asText();
    String instanceId = order.path("instanceId").asText();
    switch (command) {
      case "registerService":
        return text(client.registerMicroservice(read(order, "service", Microservice.class)).getServiceId());
      case "registerSchema":
        return yes(
            client.registerSchema(
                serviceId,
                order.path("schemaId").asText(),
                read(order, "schema", CreateSchemaRequest.class)));
      case "register":
        return text(
            client
                .registerMicroserviceInstance(read(order, "instance", MicroserviceInstance.class))
                .getInstanceId());
      case "heartbeat":
        return yes(client.sendHeartBeat(serviceId, instanceId));
      case "heartbeats":
        return heartbeats(order.path("instances"));
      case "find":
        return find(order);
      case "services":
        return tree(client.getMicroserviceList().getServices());
      case "watch":
        watch =
            new ServiceCenterWatch(
                addresses, noSsl, noAuth, DOMAIN, Collections.emptyMap(), events);
        watch.startWatch(PROJECT, serviceId);
        return yes(true);
      case "unregister":
        client.deleteMicroserviceInstance(serviceId, instanceId);
        return yes(true);
      default:
        throw new IllegalArgumentException("unknown command: " + command);
    }
  }

  private JsonNode heartbeats(JsonNode pairs) {
    HeartbeatsRequest request = null;
    for (JsonNode pair : pairs) {
      String service = pair.path("serviceId").asText();
      String instance = pair.path("instanceId").asText();
      if (request == null) {
        request = new HeartbeatsRequest(service, instance);
      } else {
        request.addInstances(new InstancesRequest(service, instance));
      }
    }
    client.sendHeartBeats(request);
    return yes(true);
  }

  private JsonNode find(JsonNode order) throws Exception {
    FindMicroserviceInstancesResponse found =
        client.findMicroserviceInstance(
            order.path("consumerId").asText(),
            order.path("appId").asText(),
            order.path("serviceName").asText(),
            order.path("version").asText("0.0.0.0+"),
            order.path("revision").asText(""));
    ObjectNode result = JSON.createObjectNode();
    result.put("modified", found.isModified());
    result.put("revision", found.getRevision());
    if (found.isModified()) {
      List<MicroserviceInstance> instances = found.getMicroserviceInstancesResponse().getInstances();
      result.set("instances", tree(instances == null ? List.of() : instances));
    }
    return result;
  }

  /** The client tells of a watch frame by this event; its name is the content of the frame. */
  @Subscribe
  public void onChanged(PullInstanceEvent changed) {
    say(
        JSON.createObjectNode()
            .put("event", "changed")
            .put("appId", changed.getAppId())
            .put("serviceName", changed.getServiceName()));
  }

  private static <T> T read(JsonNode order, String field, Class<T> type) throws Exception {
    return HttpUtils.deserialize(order.get(field).toString(), type);
  }

  private static JsonNode tree(Object value) throws Exception {
    return JSON.readTree(HttpUtils.serialize(value));
  }

  private static JsonNode text(String value) {
    return JSON.getNodeFactory().textNode(value);
  }

  private static JsonNode yes(boolean value) {
    return JSON.getNodeFactory().booleanNode(value);
  }
}
