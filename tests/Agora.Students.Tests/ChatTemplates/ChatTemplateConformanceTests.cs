using System.Text.Json;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Tokenization;

namespace Agora.Tests.ChatTemplates;

/// <summary>Every case of the conformance data: public templates on conversations with tools, odd white space and special tokens.</summary>
public sealed class ChatTemplateConformanceTests
{
    private const string Refusal = "TemplateError: ";

    [Fact]
    public void Every_conversation_is_rendered_or_refused_as_by_the_reference() => CheckEach((test, rendered, refusal, _) =>
    {
        Assert.Equal(test.GetProperty("expected").GetString(), rendered);
        Assert.Equal(test.GetProperty("error").GetString(), refusal);
    });

    [Fact]
    public void Rendered_conversations_are_encoded_as_by_the_reference()
    {
        var tokenizers = new Dictionary<string, Tokenizer>();
        CheckEach((test, rendered, _, _) =>
        {
            if (!test.TryGetProperty("tokenizer", out var name))
                return;
            if (!tokenizers.TryGetValue(name.GetString()!, out var tokenizer))
                tokenizers[name.GetString()!] = tokenizer = Tokenizer.Load(Fixtures.Part("llm", "tokenizers", name.GetString()!));
            Assert.Equal(test.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), tokenizer.Encode(rendered!, addSpecialTokens: false));
        });
    }

    private static void CheckEach(Action<JsonElement, string?, string?, JsonElement> check)
    {
        var folder = Fixtures.Part("llm", "chat");
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        using var conversations = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "conversations.json")));
        var byId = Elements(conversations.RootElement, "conversations").ToDictionary(conversation => conversation.GetProperty("id").GetString()!);
        foreach (var test in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            var conversation = byId[test.GetProperty("conversation").GetString()!];
            var (rendered, refusal) = Render(Path.Combine(folder, "templates"), test, conversation);
            try
            {
                check(test, rendered, refusal, conversation);
            }
            catch (Xunit.Sdk.XunitException failure)
            {
                throw new Xunit.Sdk.XunitException($"{test.GetProperty("id")}: {failure.Message}", failure);
            }
        }
    }

    private static (string? Rendered, string? Refusal) Render(string folder, JsonElement test, JsonElement conversation)
    {
        var path = Path.Combine(folder, test.GetProperty("template").GetString() + ".jinja");
        var tokens = new[] { "bos_token", "eos_token" }
            .Where(name => test.GetProperty(name).ValueKind == JsonValueKind.String)
            .ToDictionary(name => name, name => test.GetProperty(name).GetString()!);
        var variables = new Dictionary<string, JsonElement>
        {
            ["messages"] = conversation.GetProperty("messages"),
            ["tools"] = conversation.GetProperty("tools"),
            ["documents"] = JsonDocument.Parse("null").RootElement,
            ["add_generation_prompt"] = test.GetProperty("add_generation_prompt"),
        };
        foreach (var extra in test.GetProperty("extra").EnumerateObject())
            variables[extra.Name] = extra.Value;
        var template = ChatTemplate.Parse(File.ReadAllText(path), path, tokens);
        try
        {
            return (template.Render(variables), null);
        }
        catch (AgoraException exception) when (exception.What.StartsWith("the chat template refuses", StringComparison.Ordinal))
        {
            return (null, Refusal + exception.What[(exception.What.IndexOf(": ", StringComparison.Ordinal) + 2)..]);
        }
    }

    private static JsonElement.ArrayEnumerator Elements(JsonElement root, string name) =>
        (root.ValueKind == JsonValueKind.Array ? root : root.GetProperty(name)).EnumerateArray();
}
