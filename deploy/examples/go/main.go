// A table by Flight: go run . 127.0.0.1:8815 SCHEMA TABLE
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	client, err := flight.NewClientWithMiddleware(os.Args[1], nil, nil,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer client.Close()
	command, err := json.Marshal(map[string]any{"schema": os.Args[2], "table": os.Args[3], "filter": "n >= 10"})
	check(err)
	ctx := context.Background()
	info, err := client.GetFlightInfo(ctx, &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: command})
	check(err)
	rows := int64(0)
	for _, endpoint := range info.Endpoint {
		stream, err := client.DoGet(ctx, endpoint.Ticket)
		check(err)
		reader, err := flight.NewRecordReader(stream)
		check(err)
		for reader.Next() {
			rows += reader.RecordBatch().NumRows()
		}
		check(reader.Err())
		reader.Release()
	}
	fmt.Println(rows)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
