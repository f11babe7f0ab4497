using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.ChatTemplates;

/// <summary>A model's own chat template: Jinja, as the Hugging Face hub ships it. Safe for concurrent use.</summary>
/// <remarks>
/// Rendered as Transformers does: trim_blocks and lstrip_blocks on, in a sandbox. The text holds its special tokens written out: encode it without adding any.
/// A template that does not end, or makes a text without end, is stopped with an error.
/// </remarks>
public sealed class ChatTemplate
{
    private readonly IReadOnlyList<Statement> statements;
    private readonly string source;
    private readonly IReadOnlyDictionary<string, object?> tokens;
    private readonly TimeProvider time;

    private ChatTemplate(string template, string source, IReadOnlyDictionary<string, object?> tokens, TimeProvider time)
    {
        this.source = source;
        this.tokens = tokens;
        this.time = time;
        try
        {
            statements = TemplateParser.Parse(template);
        }
        catch (TemplateFault fault)
        {
            throw Broken(fault);
        }
    }

    /// <summary>Reads chat_template.jinja, else the member of tokenizer_config.json; of several named templates the one called default.</summary>
    /// <param name="modelFolder">The folder with tokenizer_config.json, whose special tokens the template may use.</param>
    /// <exception cref="AgoraException">There is no template, or it uses a construct that is not supported: named, with its line.</exception>
    public static ChatTemplate Load(string modelFolder, TimeProvider? time = null) =>
        TryLoad(modelFolder, time) ?? throw new AgoraException("the model has no chat template", modelFolder, "add chat_template.jinja, or chat_template to tokenizer_config.json, from the model's chat version");

    /// <returns>Null where the model has no template, as base models often have none.</returns>
    /// <exception cref="AgoraException">As for <see cref="Load"/>, but for a missing template.</exception>
    public static ChatTemplate? TryLoad(string modelFolder, TimeProvider? time = null)
    {
        var config = SpecialTokenNames.Read(Path.Combine(modelFolder, "tokenizer_config.json"), out var embedded);
        var file = Path.Combine(modelFolder, "chat_template.jinja");
        if (File.Exists(file))
            return new ChatTemplate(Encoding.UTF8.GetString(BoundedFile.Read(file, BoundedFile.Settings)), file, config, time ?? TimeProvider.System);
        return embedded is null ? null : new ChatTemplate(embedded, Path.Combine(modelFolder, "tokenizer_config.json"), config, time ?? TimeProvider.System);
    }

    /// <param name="template">Jinja.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <param name="specialTokens">Such as bos_token; one that is absent renders as nothing.</param>
    /// <exception cref="AgoraException">As for <see cref="Load"/>.</exception>
    public static ChatTemplate Parse(string template, string source, IReadOnlyDictionary<string, string> specialTokens, TimeProvider? time = null) =>
        new(template, source, specialTokens.ToDictionary(token => token.Key, token => (object?)token.Value), time ?? TimeProvider.System);

    /// <param name="addGenerationPrompt">Whether the text ends where the assistant is to go on.</param>
    /// <exception cref="AgoraException">The template refuses the conversation, or fails on it.</exception>
    public string Render(IReadOnlyList<ChatTurn> messages, bool addGenerationPrompt) => Render(new Dictionary<string, object?>
    {
        ["messages"] = new TemplateList([.. messages.Select(turn => new TemplateDict([
            KeyValuePair.Create<object?, object?>("role", turn.Role), KeyValuePair.Create<object?, object?>("content", turn.Content)]))]),
        ["tools"] = null,
        ["documents"] = null,
        ["add_generation_prompt"] = addGenerationPrompt,
    });

    /// <summary>Renders with variables of the caller's own, such as messages with tool calls.</summary>
    /// <param name="variables">By name: messages, tools, documents, add_generation_prompt and whatever the template knows.</param>
    /// <exception cref="AgoraException">The template refuses the conversation, or fails on it.</exception>
    public string Render(IReadOnlyDictionary<string, JsonElement> variables) =>
        Render(variables.ToDictionary(variable => variable.Key, variable => TemplateValues.FromJson(variable.Value)));

    private string Render(Dictionary<string, object?> variables)
    {
        foreach (var (name, token) in tokens)
            variables.TryAdd(name, token);
        try
        {
            return new TemplateInterpreter(variables, time).Render(statements);
        }
        catch (TemplateFault fault) when (fault.IsRefusal)
        {
            throw new AgoraException($"the chat template refuses the conversation: {fault.Message}", $"{source}, line {fault.Line} of the template", "change the conversation as the template asks, or use another template", fault);
        }
        catch (TemplateFault fault)
        {
            throw Broken(fault);
        }
    }

    private AgoraException Broken(TemplateFault fault) => new(
        $"the chat template cannot be rendered: {fault.Message}", $"{source}, line {fault.Line} of the template",
        "correct the template, or replace it with a simpler one in chat_template.jinja beside the model", fault);
}
