using System.Globalization;
using Agora.Tests.Hub;

// usage: HubServer BYTES [BYTES-PER-SECOND]: serves hf://datasets/test/large/large.bin of that length; prints the hub's address, then the contents' own.
var content = HubContent.Large(long.Parse(args[0], CultureInfo.InvariantCulture));
await using var server = await HubServer.StartAsync(new HubDataset { Repository = "test/large", Files = { ["large.bin"] = content } });
server.Rate = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) : null;
Console.WriteLine(server.Address.ToString().TrimEnd('/'));
Console.WriteLine(new Uri(server.ContentsAddress, content.Sha256));
await server.WaitAsync();
