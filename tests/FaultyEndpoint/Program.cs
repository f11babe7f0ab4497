using System.Globalization;
using Agora.Tests.Endpoints;

// usage: FaultyEndpoint [PORT [SHARE [FAULT…]]]: fails the given share of requests (0 to 1), with the given faults in turn, all of them by default.
var port = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 0;
var share = args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 0;
var faults = args.Length > 2 ? [.. args[2..].Select(Enum.Parse<Fault>)] : Enum.GetValues<Fault>();

await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
{
    Answer = Arithmetic.Answer,
    Fault = request => Math.Floor((request.Number + 1) * share) > Math.Floor(request.Number * share) ? faults[request.Number % faults.Length] : null,
}, port);
Console.WriteLine(endpoint.Address);
await endpoint.WaitAsync();
