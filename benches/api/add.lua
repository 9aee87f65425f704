wrk.method = 'POST'
wrk.headers['Content-Type'] = 'application/json'
wrk.body = '{"orderId":"gid://shopify/Order/123456789","shopId":"shop.myshopify.com","total":129.9,'
  .. '"lines":[{"sku":"TSHIRT-BLUE-M","quantity":2},{"sku":"MUG-WHITE","quantity":1}]}'
