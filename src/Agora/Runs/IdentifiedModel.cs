using Agora.Experiments;

namespace Agora.Runs;

/// <summary>A model of the experiment together with what it is.</summary>
/// <param name="Name">In the experiment.</param>
/// <param name="Identity">Hash of its files, or endpoint and name: what keys are made of.</param>
public sealed record IdentifiedModel(string Name, ModelSpec Spec, string Identity);
