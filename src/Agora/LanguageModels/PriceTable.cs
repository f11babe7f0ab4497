using System.Collections.Immutable;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.LanguageModels;

/// <summary>Prices of models whose experiment gives none: the file <c>prices.json</c> beside this one, with the pages it was read from and the day.</summary>
public sealed record PriceTable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectRequiredConstructorParameters = true };
    private static readonly Lazy<PriceTable> FromFile = new(() =>
    {
        using var file = typeof(PriceTable).Assembly.GetManifestResourceStream("Agora.LanguageModels.prices.json")!;
        return JsonSerializer.Deserialize<PriceTable>(file, Json)!;
    });

    public static PriceTable Shipped => FromFile.Value;

    public required ImmutableSortedDictionary<string, PriceSource> Sources { get; init; }
    public required ImmutableArray<ListedPrice> Prices { get; init; }

    /// <returns>Null where the table does not know the model, and for every endpoint but the provider's own: others charge as they like.</returns>
    public Price? Of(ModelSpec model)
    {
        var host = model.Endpoint is { } endpoint ? (Uri.TryCreate(endpoint, UriKind.Absolute, out var address) ? address.Host : null)
            : model.Provider == ModelSpec.Anthropic ? "api.anthropic.com" : model.Provider == ModelSpec.OpenAI ? "api.openai.com" : null;
        var listed = Prices.Where(price => price.Host == host && price.Covers(model.Model ?? "")).MaxBy(price => price.Model.Length);
        return listed is null ? null : new Price { Input = listed.Input, CachedInput = listed.CachedInput, CacheWrite = listed.CacheWrite, Output = listed.Output, Batch = listed.Batch };
    }

    /// <summary>The experiment with a price for each model that the table knows and that has none of its own.</summary>
    public Experiment Complete(Experiment experiment) => experiment with
    {
        Models = experiment.Models.ToImmutableSortedDictionary(model => model.Key, model => Complete(model.Value), experiment.Models.KeyComparer),
    };

    public ModelSpec Complete(ModelSpec model) => model.Price is null && Of(model) is { } price ? model with { Price = price } : model;
}

/// <param name="Page">The provider's own list.</param>
/// <param name="Read">The day.</param>
/// <param name="Through">The copy that was read where it was not the page itself.</param>
public sealed record PriceSource(string Page, DateOnly Read, string? Through = null);

/// <summary>US dollars per million tokens.</summary>
/// <param name="Source">A key of <see cref="PriceTable.Sources"/>.</param>
/// <param name="Batch">Share of the prices that the batch API asks.</param>
public sealed record ListedPrice(string Source, string Host, string Model, decimal Input, decimal Output, decimal? CachedInput = null, decimal? Batch = null, decimal? CacheWrite = null)
{
    /// <summary>The model itself, or one of its dated versions: <c>gpt-4o-2024-08-06</c>, <c>claude-haiku-4-5-20251001</c>.</summary>
    public bool Covers(string model) => model == Model
        || (model.StartsWith(Model + "-", StringComparison.Ordinal) && DateOnly.TryParseExact(model[(Model.Length + 1)..], ["yyyy-MM-dd", "yyyyMMdd"], out _));
}
