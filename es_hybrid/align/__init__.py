"""SKU alignment: descriptions of the same product in several languages form one group."""
