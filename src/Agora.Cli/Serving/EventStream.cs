using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Agora.Cli.Serving;

/// <summary>Writes JSON answers: whole, or as server-sent events.</summary>
internal static class EventStream
{
    // Read by programs; escaping every letter beyond ASCII would only make answers longer.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task WriteJsonAsync(HttpResponse response, JsonObject json, int status = 200)
    {
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        await response.WriteAsync(json.ToJsonString(Plain), response.HttpContext.RequestAborted);
    }

    public static void Begin(HttpResponse response)
    {
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
    }

    public static async Task SendAsync(HttpResponse response, JsonObject json)
    {
        await response.WriteAsync($"data: {json.ToJsonString(Plain)}\n\n", response.HttpContext.RequestAborted);
        await response.Body.FlushAsync(response.HttpContext.RequestAborted);
    }

    public static async Task EndAsync(HttpResponse response)
    {
        await response.WriteAsync("data: [DONE]\n\n", response.HttpContext.RequestAborted);
        await response.Body.FlushAsync(response.HttpContext.RequestAborted);
    }
}
