import java.nio.charset.StandardCharsets;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.Location;
import org.apache.arrow.memory.RootAllocator;

/** Counts the rows of a filter, endpoint by endpoint. */
public final class FlightRead {
  public static void main(String[] words) throws Exception {
    String gateway = words[0].replace("grpc://", "grpc+tcp://");
    String command =
        String.format(
            "{\"schema\": \"%s\", \"table\": \"%s\", \"filter\": \"n >= 10\"}", words[1], words[2]);
    long rows = 0;
    try (RootAllocator allocator = new RootAllocator();
        FlightClient client = FlightClient.builder(allocator, new Location(gateway)).build()) {
      FlightInfo info =
          client.getInfo(FlightDescriptor.command(command.getBytes(StandardCharsets.UTF_8)));
      for (FlightEndpoint endpoint : info.getEndpoints()) {
        try (FlightStream stream = client.getStream(endpoint.getTicket())) {
          while (stream.next()) rows += stream.getRoot().getRowCount();
        }
      }
    }
    System.out.println(rows);
  }
}
