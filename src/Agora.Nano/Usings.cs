global using Agora.Experiments;
