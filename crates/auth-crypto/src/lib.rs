//! Password schemes, hashing pool, tokens, one-time codes and sealing
