using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Agora.Cli.Serving;

/// <summary>POST /v1/embeddings: the mean of the last hidden state over the text's tokens, scaled to length 1 as OpenAI's are.</summary>
internal sealed class Embeddings(ServedModel model)
{
    public async Task AnswerAsync(HttpContext context)
    {
        var fields = await RequestFields.ReadAsync(context);
        model.CheckName(fields);
        var inputs = PromptFields.Read(fields, "input", model.Engine);
        var inBase64 = fields.Find("encoding_format") switch
        {
            null => false,
            { ValueKind: JsonValueKind.String } format when format.ValueEquals("float") => false,
            { ValueKind: JsonValueKind.String } format when format.ValueEquals("base64") => true,
            _ => throw ApiFault.Invalid("encoding_format", "must be float or base64"),
        };
        fields.Unsupported("dimensions", value => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var size) && size == model.Engine.Config.HiddenSize);
        fields.RefuseRest();
        foreach (var input in inputs)
            model.CheckLength(input, room: 0, "input");
        var vectors = new float[inputs.Count][];
        await Parallel.ForAsync(0, inputs.Count, new ParallelOptions { MaxDegreeOfParallelism = PromptFields.InFlight, CancellationToken = context.RequestAborted },
            async (place, stop) => vectors[place] = await model.Engine.EmbedAsync(inputs[place], stop));
        var tokens = inputs.Sum(input => input.Length);
        await EventStream.WriteJsonAsync(context.Response, new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. vectors.Select((vector, index) => new JsonObject
            {
                ["object"] = "embedding",
                ["index"] = index,
                ["embedding"] = inBase64 ? Base64(Unit(vector)) : new JsonArray([.. Unit(vector).Select(value => JsonValue.Create(value))]),
            })]),
            ["model"] = model.Name,
            ["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens },
        });
    }

    private static float[] Unit(float[] vector)
    {
        var length = Math.Sqrt(vector.Sum(value => (double)value * value));
        return length == 0 ? vector : Array.ConvertAll(vector, value => (float)(value / length));
    }

    /// <summary>Little-endian 32-bit floats.</summary>
    private static JsonValue Base64(float[] vector) => JsonValue.Create(Convert.ToBase64String(MemoryMarshal.AsBytes(vector.AsSpan())));
}
