//! Real npm `bullmq`, 5 and 6, as the producer and the reader of a queue.
